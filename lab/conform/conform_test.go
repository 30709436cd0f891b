package conform_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vmdkvol/lab/conform/byhand"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConforms: every golden case, over every way, on both kinds of datastores.
func TestConforms(t *testing.T) {
	cases := loadGolden(t)
	for _, files := range []bool{false, true} {
		name := "memory"
		if files {
			name = "files"
		}
		t.Run(name, func(t *testing.T) {
			for i, way := range ways {
				t.Run(strings.ReplaceAll(way.name, " ", "_"), func(t *testing.T) {
					if way.lacks != nil && way.lacks() != "" {
						t.Skip(way.lacks())
					}
					t.Parallel() // some cases wait for seconds
					for n, g := range cases {
						if testing.Short() && n%len(ways) != i { // under the race detector: each case over one way
							continue
						}
						t.Run(g.at, func(t *testing.T) { g.run(t, way, files) })
					}
				})
			}
		})
	}
}

func (g golden) run(t *testing.T, way way, files bool) {
	w := newWorld(t, g, files)
	s := way.open(t, w)
	if g.bytes() && !s.bytes {
		return // the same broken frames come over the simulated network as faults, see vmcisim.TestRareFaults
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, st := range g.steps {
		words := strings.Fields(st.words)
		switch st.verb {
		case "fault":
			require.Len(t, words, 2, st.at)
			w.stage.add(words[0], words[1])
		case "power":
			require.Len(t, words, 2, st.at)
			require.NoError(t, w.h.Power(ctx, words[1], words[0] == "on"), st.at)
		case "admin":
			got, err := w.administer(ctx, st.words)
			require.NoError(t, err, st.at)
			require.Regexp(t, pattern(st.reply), got, "%s: %s", st.at, st.line)
		default:
			text, raw, err := st.request()
			require.NoError(t, err, st.at)
			got, err := s.say(ctx, st.verb, text, raw)
			if errors.Is(err, byhand.ErrClosed) {
				got, err = "closed", nil
			}
			require.NoError(t, err, "%s: %s", st.at, st.line)
			if !pattern(st.reply).MatchString(got) {
				require.Equal(t, st.reply, got, "%s: %s", st.at, st.line)
			}
		}
	}
	require.Empty(t, w.stage.left(), "%s: nothing came to these faults", g.at)
}
