package scenarios

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxShown is how much of a wrong word a message repeats, in characters.
const maxShown = 40

// shown quotes a word for a message, and no more of it than a reader needs.
func shown(word string) string {
	if utf8.RuneCountInString(word) > maxShown {
		word = string([]rune(word)[:maxShown]) + "…"
	}
	return fmt.Sprintf("%q", word)
}

// unknown is the error of a word that is none of the known ones; it guesses which one was meant.
func unknown(what, word string, known ...string) error {
	switch guess := nearest(word, known); {
	case guess != "":
		return fmt.Errorf("unknown %s %s: did you mean %s? (there are %s)", what, shown(word), guess, listed(known, ", "))
	case len(known) == 0:
		return fmt.Errorf("unknown %s %s: there are none", what, shown(word))
	}
	return fmt.Errorf("unknown %s %s: there are %s", what, shown(word), listed(known, ", "))
}

// maxListed is how many known words a message lists.
const maxListed = 20

func listed(known []string, between string) string {
	if len(known) <= maxListed {
		return strings.Join(known, between)
	}
	return strings.Join(known[:maxListed], between) + between + "…"
}

// meant is the end of a message that says what there is instead, with a guess.
func meant(word string, known []string) string {
	if guess := nearest(word, known); guess != "" {
		return ": did you mean " + guess + "?"
	}
	return ": there are " + listed(known, "; ")
}

// nearest is the known word that a slip of the finger turns into word, "" if none is near.
func nearest(word string, known []string) string {
	best, at := "", 3 // edits that are too many
	for _, k := range known {
		if d := edits(word, k); d < at && d < len(k) && 2*d <= max(len(k), 2) {
			best, at = k, d
		}
	}
	return best
}

// edits counts the letters to insert, delete, replace or swap with their neighbour; long words are taken for different.
func edits(a, b string) int {
	if len(a) > maxShown || len(b) > maxShown {
		return max(len(a), len(b))
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
