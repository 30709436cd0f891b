package vmdkops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"vmdkvol/driver/wire"
)

// errUnreadable is how get's null is reported from its parser.
var errUnreadable = errors.New("the service cannot read the metadata of the volume")

// do sends one command, repeating it as the table allows, until parse accepts a reply.
func (c *Client) do(ctx context.Context, cmd wire.Command, name string, opts map[string]string,
	parse func(reply []byte) error,
) error {
	// The transport may keep these bytes, so they belong to nobody else; repeats send the very same ones.
	request, err := c.codec.Request(wire.Request{
		Cmd: cmd, Details: wire.Details{Name: name, Opts: opts}, Version: wire.Version,
	})
	if err != nil {
		return &Error{Cmd: cmd, Volume: name, Kind: unencodable(name, opts), Err: err}
	}
	var (
		perhaps bool // an attempt may have been executed, or may be yet
		last    error
		repeats int // so far, not counting those that only ctx ends
		pause   = firstPause
	)
	for {
		if ctx.Err() != nil {
			return unanswered(ctx, cmd, name, perhaps, last)
		}
		var kind Kind
		var owner string
		reply, err := c.transport.RoundTrip(ctx, request)
		if err != nil {
			kind = transportKind(err)
		} else if err = parse(reply); err == nil {
			return nil
		} else {
			kind, owner = replyKind(cmd, err)
		}
		last = err
		perhaps = perhaps || kind == Unknown
		limit := limitOf(cmd, kind)
		if limit != forever && repeats >= limit {
			if perhaps && (kind == NotSent || kind == Unavailable) {
				kind = Unknown // of the call, whatever became of this attempt
			}
			if kind == Unknown || kind == NotSent {
				return unanswered(ctx, cmd, name, perhaps, last)
			}
			return &Error{Cmd: cmd, Volume: name, Kind: kind, Owner: owner, Err: last}
		}
		c.log.LogAttrs(ctx, slog.LevelDebug, "command repeated", slog.String("command", string(cmd)),
			slog.String("volume", name), slog.String("after", kind.String()), slog.Duration("pause", pause))
		if c.env.Sleep(ctx, pause) != nil {
			return unanswered(ctx, cmd, name, perhaps, last)
		}
		pause = min(2*pause, maxPause)
		if limit != forever {
			repeats++
		}
	}
}

// unencodable says whether the name or an option is to blame for a request that cannot be written.
func unencodable(name string, opts map[string]string) Kind {
	if len(opts) == 0 || !utf8.ValidString(name) {
		return BadName
	}
	return BadOption
}

// transportKind judges an error of RoundTrip.
func transportKind(err error) Kind {
	if errors.Is(err, wire.ErrNotSent) {
		return NotSent
	}
	return Unknown
}

// replyKind judges the error of a reply's parser. Whatever is neither an error that the service meant nor a success is
// Unknown: the service sends malformed replies after it has acted (docs/original.md §1.8).
func replyKind(cmd wire.Command, err error) (kind Kind, owner string) {
	if errors.Is(err, errUnreadable) {
		return Unreadable, ""
	}
	if told, ok := errors.AsType[*wire.ErrorReply](err); ok {
		return classify(cmd, told.Text)
	}
	return Unknown, ""
}

// unanswered is the error of a call that got no answer to go by, because its context or its repeats ended. last, the error of
// its last attempt, is nil if there was none.
func unanswered(ctx context.Context, cmd wire.Command, name string, perhaps bool, last error) error {
	e := &Error{Cmd: cmd, Volume: name, Kind: NotSent, Err: last}
	if perhaps {
		e.Kind = Unknown
		if errors.Is(last, wire.ErrNotSent) { // true of the last attempt, but not of the call
			e.Err = errors.New(last.Error())
		}
	}
	if ctx.Err() == nil {
		return e
	}
	cause := context.Cause(ctx)
	if last == nil {
		e.Err = cause
	} else if !errors.Is(e.Err, cause) {
		e.Err = fmt.Errorf("%w; the last attempt: %w", cause, e.Err)
	}
	return e
}
