package front

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
)

// maxText bounds an error text in bytes; what the ESX host says may be a page long.
const maxText = 2000

// words are how a kind of error reads: the cause if the error brings no text of its own, and what to do.
type words struct{ cause, advice string }

// wording is the one table of texts that humans see. Docker puts "Error response from daemon: create v:
// VolumeDriver.Create: " before them, so they repeat neither the operation nor the volume.
func wording(k driver.Kind) words {
	switch k {
	case driver.BadName:
		return words{
			"bad volume name",
			"use VOLUME or VOLUME@DATASTORE, each of 1 to 100 characters without slashes",
		}
	case driver.BadOption:
		return words{"bad option", "correct the option and create the volume again"}
	case driver.NotFound:
		return words{
			"no such volume",
			"see 'docker volume ls' for the volumes of this VM, and add @DATASTORE if it is not on the default one",
		}
	case driver.Exists:
		return words{"the volume exists already", "choose another name, or remove that volume if nobody needs it"}
	case driver.InUse:
		return words{"the volume is in use", "stop the containers or processes that use it, then try again"}
	case driver.Doubt:
		return words{
			"what the disk holds is not certain",
			"nothing was formatted; look at the disk and its metadata, and remove the volume only if its data is not needed",
		}
	case driver.Denied:
		return words{
			"the ESX host denies it",
			"ask the ESX administrator for the privilege, or a larger quota, of this VM's vmgroup on the datastore",
		}
	case driver.Full:
		return words{
			"this VM has no room for another disk",
			"stop containers here that use other volumes, or use this one on another VM",
		}
	case driver.Unreachable:
		return words{
			"the ESX host does not answer",
			"check that its volume service runs and that this VM may reach it, then try again",
		}
	case driver.Busy:
		return words{"another task is running", "try again in a moment"}
	case driver.Closed:
		return words{"the plugin is stopping", "try again when vmdkd runs again"}
	default:
		return words{"it failed", "see the log of vmdkd"}
	}
}

// Text is err as Docker's user reads it: one line, the cause, then what to do.
func Text(err error) string {
	w := wording(driver.KindOf(err))
	cause, advice := w.cause, w.advice
	var e *driver.Error
	var unseen *unseenError
	switch {
	case errors.As(err, &unseen):
		cause = unseen.Error()
		advice = "run vmdkd in Docker's mount namespace (a systemd unit without PrivateMounts=, PrivateTmp=, Protect*= " +
			"and the like), or on a --mount-root whose mounts propagate there (mount --make-rshared)"
	case !errors.As(err, &e):
		cause = err.Error()
	case e.Err != nil:
		cause = withoutCommand(e.Err)
	}
	if e != nil && e.Owner != "" {
		if !strings.Contains(cause, e.Owner) {
			cause += " (by VM " + e.Owner + ")"
		}
		if e.Kind == driver.InUse {
			advice = "stop the containers that use it on VM " + e.Owner + ", then try again"
		}
	}
	cause = strings.TrimRight(oneLine(cause), ".; ")
	if cause == "" {
		cause = w.cause
	}
	return cause + "; " + oneLine(advice)
}

// withoutCommand spares the command and the volume that a refused command says first, if it is all there is to say.
func withoutCommand(err error) string {
	if remote, ok := err.(*vmdkops.Error); ok && remote.Err != nil { //nolint:errorlint // only if nothing wraps it
		err = remote.Err
	}
	return err.Error()
}

// oneLine makes s printable on one line: each line end becomes a semicolon, unless the line ends in punctuation; each run
// of blanks and control characters becomes one space.
func oneLine(s string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ToValidUTF8(s, "?")) {
		line = strings.Join(strings.FieldsFunc(line, func(r rune) bool {
			return unicode.IsSpace(r) || unicode.IsControl(r)
		}), " ")
		if line == "" {
			continue
		}
		if before := b.String(); before != "" {
			if !strings.ContainsRune(".,:;", rune(before[len(before)-1])) {
				b.WriteByte(';')
			}
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	s = b.String()
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
