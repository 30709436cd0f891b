// Package opinion is a second judge of histories: rules of its own, written without model.Step, and the checker
// Porcupine, which knows nothing of ours. With package model it shares the words, not the thoughts, so that a mistake in
// either of them comes out as a disagreement.
//
// Invariants:
//
//   - The answer depends on the history alone, never on time: work is bounded by a number of steps, after which the
//     answer is Undecided.
//   - It is as strict and as lenient as model.Checker says it is, see the package comment there: effects of an unknown
//     Create or Remove may come late or never, a refused call says nothing, a Get that overlaps a Create which failed is
//     not judged.
//
// An example:
//
//	answer := opinion.Second(start["data"], calls, 0) // of one volume
package opinion
