//go:build race

package storm_test

const raceDetector = true
