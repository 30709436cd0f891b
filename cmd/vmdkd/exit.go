package main

import (
	"errors"
	"fmt"
	"io"
)

// Exit statuses.
const (
	exitFine   = 0
	exitFailed = 1
	exitInput  = 2 // the caller can correct it
	exitLacks  = 3 // the machine lacks something
)

// exitError is an error with the exit status that it means and what to do about it.
type exitError struct {
	status int
	err    error
	remedy string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func wrongInput(format string, args ...any) error {
	return &exitError{status: exitInput, err: fmt.Errorf(format, args...), remedy: "see 'vmdkd --help'"}
}

func lacks(remedy, format string, args ...any) error {
	return &exitError{status: exitLacks, err: fmt.Errorf(format, args...), remedy: remedy}
}

// status says err on w and returns its exit status.
func status(err error, w io.Writer) int {
	if err == nil {
		return exitFine
	}
	var e *exitError
	if !errors.As(err, &e) {
		fmt.Fprintf(w, "vmdkd: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(w, "vmdkd: %v; %s\n", err, e.remedy)
	return e.status
}
