package scenarios

// Format returns a scenario in canonical form: the parts in the order of the reference, one blank between words, keys
// sorted, blocks indented by two blanks, two before a comment. Comments stay with the line below them or in front of
// them. What it returns means the same, and formatting it again changes nothing. The error is Parse's.
func Format(file, text string) (string, error) {
	_, sh, err := parse(file, text, false)
	if err != nil {
		return "", err
	}
	return sh.String(), nil
}
