package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// write makes a file appear complete or not at all, and on the disk.
func write(file, text string) (string, error) {
	temp := file + ".part"
	f, err := os.Create(temp)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return "wrote " + file, os.Rename(temp, file)
}

func read(file string) (string, error) {
	text, err := os.ReadFile(file)
	return "read " + string(text), err
}

// await reads a file that another container writes.
func await(file string) (string, error) {
	const pause = time.Millisecond
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(pause) {
		text, err := os.ReadFile(file)
		if !errors.Is(err, fs.ErrNotExist) || time.Now().After(end) {
			return "read " + string(text), err
		}
	}
}

func list(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	names := []string{"ls"}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " "), nil
}

// filesystem says what is mounted at dir: the type, the source, its access mode and the device number of the directory
// itself. proc(5) has the format.
func filesystem(dir string) (string, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	dev := info.Sys().(*syscall.Stat_t).Dev
	found := ""
	for line := range strings.Lines(string(table)) {
		mount, super, ok := strings.Cut(strings.TrimSpace(line), " - ")
		f, s := strings.Fields(mount), strings.Fields(super)
		if ok && len(f) > 5 && len(s) > 2 && f[4] == filepath.Clean(dir) { // the last one is on top
			access, _, _ := strings.Cut(s[2], ",")
			found = fmt.Sprintf("fs %s %s %s root=%s dev=%d:%d", s[0], s[1], access, f[3], dev>>8&0xfff, dev&0xff|dev>>12&^0xff)
		}
	}
	if found == "" {
		return "", fmt.Errorf("nothing is mounted at %s", dir)
	}
	return found, nil
}

// hold waits to be told to end.
func hold() (string, error) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	fmt.Println("holding")
	<-told
	return "told to end", nil
}
