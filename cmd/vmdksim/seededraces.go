package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vmdkvol/scenarios"
)

// races is what the race detector saw.
type races struct {
	Seeded    int      `json:"seeded"`   // mutants that open a data race
	Reported  int      `json:"reported"` // of them, with the right line, within seededSchedules
	Missing   []string `json:"missing,omitempty"`
	Schedules int      `json:"schedules"` // of today's driver
	Reports   int      `json:"reports"`   // scenarios in which there was a report; 0 or 1, since the first one ends it
	ElapsedMS int64    `json:"elapsed_ms"`
	SeededMS  int64    `json:"seeded_ms"` // of the seeded ones, most of it for building
}

func (r *races) ok() bool { return r.Reported == r.Seeded && r.Reports == 0 }

// seededSchedules is within how many schedules a seeded race must be reported.
const seededSchedules = 100

// lookForRaces looks for the seeded races, and then for one in today's driver: the schedules are shared out evenly among
// the scenarios.
func lookForRaces(ctx context.Context, source string, schedules int, progress func(string)) (*races, error) {
	r := &races{}
	start := time.Now()
	for _, name := range scenarios.MutantNames() {
		m, err := scenarios.LoadMutant(name)
		if err != nil {
			return nil, badInput(err)
		}
		if m.Races == "" {
			continue
		}
		r.Seeded++
		progress("the seeded race " + name)
		if err := seededRace(ctx, m, source); err == nil {
			r.Reported++
		} else {
			r.Missing = append(r.Missing, err.Error())
		}
	}
	r.SeededMS = time.Since(start).Milliseconds()
	files, err := filepath.Glob(filepath.Join(source, "scenarios", "*.scn"))
	if err != nil || len(files) == 0 {
		return nil, badInput(fmt.Errorf("no scenarios below %s", source))
	}
	bin, clean, err := buildRace(ctx, "", source)
	if err != nil {
		return nil, err
	}
	defer clean()
	each := (schedules + len(files) - 1) / len(files)
	progress(fmt.Sprintf("%d schedules of each of %d scenarios under the race detector", each, len(files)))
	start = time.Now()
	var report bytes.Buffer
	err = runMutant(ctx, bin, append([]string{"race", "--in-race", "--schedules", strconv.Itoa(each)}, files...), io.Discard, &report)
	var e *exitError
	switch {
	case errors.As(err, &e) && e.code == raceExit:
		r.Reports, r.Missing = 1, append(r.Missing, report.String())
	case err != nil:
		return nil, err
	}
	r.Schedules, r.ElapsedMS = each*len(files), time.Since(start).Milliseconds()
	return r, nil
}

// seededRace fails unless the race of a mutant is reported with the line that its file names.
func seededRace(ctx context.Context, m *scenarios.Mutant, source string) error {
	file, text, _ := strings.Cut(m.Races, ": ")
	line, err := lineOf(m, source, file, text)
	if err != nil {
		return err
	}
	bin, clean, err := buildRace(ctx, m.Name, source)
	if err != nil {
		return err
	}
	defer clean()
	var report bytes.Buffer
	err = runMutant(ctx, bin, []string{
		"race", "--in-race", "--schedules", strconv.Itoa(seededSchedules), filepath.Join(source, "scenarios", m.Scenario),
	}, io.Discard, &report)
	place := fmt.Sprintf("%s:%d ", file, line)
	var e *exitError
	switch said := report.String(); {
	case !errors.As(err, &e) || e.code != raceExit:
		return fmt.Errorf("mutant %s: no race was reported in %d schedules: %w", m.Name, seededSchedules, err)
	case !strings.Contains(said, "DATA RACE") || !strings.Contains(said, place):
		return fmt.Errorf("mutant %s: no report names %s", m.Name, place)
	}
	return nil
}

// lineOf finds the line of a text in a file as the mutant changes it.
func lineOf(m *scenarios.Mutant, source, file, text string) (int, error) {
	b, err := os.ReadFile(filepath.Join(source, file))
	if err != nil {
		return 0, err
	}
	changed := string(b)
	for _, e := range m.Edits {
		if e.File == file {
			changed = strings.Replace(changed, e.Old, e.New, 1)
		}
	}
	for i, line := range strings.Split(changed, "\n") {
		if strings.TrimSpace(line) == text {
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("mutant %s: %s has no line %q", m.Name, file, text)
}
