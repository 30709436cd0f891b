// Command box is what the containers of the e2e tests run: a static program that does a few things to files and says
// what it sees. It is the only file of its image, so it needs no shell and no library.
//
// It is no shell: its arguments are steps, separated by commas, done in order until one fails. Each step prints one line.
//
//	box write /data/a hello , read /data/a , ls /data , fs /data , await /data/b , hold
//
// Exit status: 0 all done, 1 a step failed (the error is the last line), 2 a step that it does not know.
package main
