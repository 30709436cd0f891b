package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxPause is the longest sleep, so that no sum of them leaves virtual time.
const maxPause = 10 * 365 * 24 * time.Hour

// maxText is the longest text of a write, in characters.
const maxText = 64

// parseOp reads one operation of a client.
func parseOp(client, text string, line int) (Op, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Op{}, errors.New("an empty operation")
	}
	verbs := Verbs()
	i := slices.IndexFunc(verbs, func(v Verb) bool { return v.Name == words[0] })
	if i < 0 {
		return Op{}, unknown("operation", words[0], verbNames()...)
	}
	verb := verbs[i]
	op := Op{Verb: verb.Name}
	if err := op.complete(verb, client, words[1:], line); err != nil {
		return Op{}, fmt.Errorf("%s: %w", verb.Name, err)
	}
	return op, nil
}

// complete reads what follows the verb.
func (o *Op) complete(verb Verb, client string, words []string, line int) (err error) {
	switch verb.Name {
	case "list":
		if len(words) > 0 {
			return fmt.Errorf("%s is too much: nothing follows it", shown(words[0]))
		}
		return nil
	case "poweroff", "poweron", "suspend", "resume", "reset":
		o.Target, err = single(words, "a VM")
		return err
	case "migrate", "rename":
		if len(words) != 2 || !plainName(words[1]) {
			return fmt.Errorf("want %s, and nothing else", verb.Takes)
		}
		o.Target, o.Text = words[0], words[1]
		return nil
	case "stop", "fail", "replace":
		o.Target, err = single(words, "an ESX host")
		return err
	case "crash", "restart":
		o.Target, err = single(words, "plugin, hostd or an ESX host")
		return err
	case "send":
		return o.request(verb, words)
	case "admin":
		return o.administration(verb, words)
	case "sleep":
		text, err := single(words, "a duration")
		if err != nil {
			return err
		}
		if o.Pause, err = time.ParseDuration(text); err != nil || o.Pause <= 0 || o.Pause > maxPause {
			return fmt.Errorf("%s: want a duration such as 30s, 5m or 1h30m", shown(text))
		}
		return nil
	case "check":
		o.Line = line
		return o.facts(words, line)
	case "write":
		if len(words) > 1 {
			o.Text = words[len(words)-1]
			words = words[:len(words)-1]
		}
		if !plainText(o.Text) {
			return fmt.Errorf("want VOLUME TEXT, the text one word of letters, digits, ., - and _, at most %d", maxText)
		}
	}
	if o.Volume, o.Opts, err = named(words, verb.Keys...); err != nil {
		return err
	}
	if o.ID = o.Opts["id"]; o.ID == "" {
		o.ID = client
	}
	return nil
}

func (o *Op) facts(words []string, line int) error {
	if len(words) == 0 {
		return errors.New("want FACT=VALUE..., for example refs(data)=1")
	}
	for _, w := range words {
		c, err := condition(w, line)
		if err != nil {
			return err
		}
		o.Facts = append(o.Facts, c)
	}
	return nil
}

func plainText(s string) bool {
	return s != "" && len(s) <= maxText && plainName(strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), "-", "_"))
}

func single(words []string, want string) (string, error) {
	if len(words) != 1 {
		return "", fmt.Errorf("want %s, and nothing else", want)
	}
	return words[0], nil
}

// named reads a name and key=value words.
func named(words []string, keys ...string) (string, map[string]string, error) {
	if len(words) == 0 || strings.Contains(words[0], "=") {
		return "", nil, errors.New("the volume's name is missing")
	}
	var opts map[string]string
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		switch {
		case !ok || v == "":
			return "", nil, fmt.Errorf("%s is not key=value", shown(w))
		case !slices.Contains(keys, k):
			return "", nil, unknown("key", k, keys...)
		}
		if _, twice := opts[k]; twice {
			return "", nil, fmt.Errorf("%s is given twice", k)
		}
		if opts == nil {
			opts = map[string]string{}
		}
		opts[k] = v
	}
	return words[0], opts, nil
}

// a statement is what(object)=want.
type statement struct{ what, object, want string }

func fact(w string) (statement, error) {
	eq := strings.LastIndexByte(w, '=')
	open := strings.IndexByte(w, '(')
	if open <= 0 || eq < open+2 || w[eq-1] != ')' || eq+1 == len(w) {
		return statement{}, fmt.Errorf("%s: want what(object)=value", shown(w))
	}
	return statement{w[:open], w[open+1 : eq-1], w[eq+1:]}, nil
}

// The values of facts that are not names or numbers.
const (
	noVM      = "none" // of attached and mounted
	readOnly  = "read-only"
	readWrite = "read-write"
)

// condition reads a fact with its value; names of VMs are checked when all are known.
func condition(w string, line int) (Condition, error) {
	f, err := fact(w)
	if err != nil {
		return Condition{}, err
	}
	c := Condition{Line: line, What: f.what, Volume: f.object, Want: f.want}
	if vm, volume, ok := strings.Cut(f.object, ":"); ok {
		c.VM, c.Volume = vm, volume
	}
	switch c.What {
	case "refs":
		n, err := strconv.Atoi(c.Want)
		if (err != nil || n < 0) && c.Want != downFact {
			return c, fmt.Errorf("%s: want a number of references, or %s", shown(w), downFact)
		}
		if err == nil {
			c.Want = strconv.Itoa(n)
		}
	case "attached":
		if c.VM != "" {
			return c, fmt.Errorf("%s: a volume is attached to one VM at most; want attached(VOLUME)=VM", shown(w))
		}
	case "mounted":
		if want := []string{noVM, readOnly, readWrite}; !slices.Contains(want, c.Want) {
			return c, unknown("access mode", c.Want, want...)
		}
	default:
		return c, unknown("condition", c.What, "refs", "attached", "mounted")
	}
	if c.Volume == "" {
		return c, fmt.Errorf("%s: the volume's name is missing", shown(w))
	}
	return c, nil
}
