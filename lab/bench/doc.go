// Package bench measures the driver: figures that `make bench` prints, one line each.
//
//	bench: NAME VALUE UNIT target=T [ceiling=C]
//
// A target is met from above or below as the name says; ceiling is what the surroundings allow at best. Figures judge
// nothing: a slow machine is no failure. Each is a benchmark BenchmarkFigure… that runs once and measures on its own;
// it runs only if its name begins with the environment variable BENCH.
//
// ESX is esxsim in memory, behind a transport that takes a given time and needs no socket; the guest is guestsim; locks
// and time are those of production.
package bench
