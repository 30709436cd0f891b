package explore_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// callingProgram is wideProgram with clients each of whose statements is a call.
func callingProgram(clients [][]stmt, quiet bool, final func(p *wide, s shown)) func(k *explore.Kernel) {
	return func(k *explore.Kernel) {
		p, l := newWide(k, quiet), &tally{}
		for i, c := range clients {
			f := p.client(i)
			k.Client(f.task, p.docker, func() {
				for n, s := range c {
					op := fmt.Sprint(i, "/", n)
					k.Before("call", "x")
					l.call(k, op)
					p.logs[f.task] = ""
					p.do(s, f)
					l.answer(k, op, p.logs[f.task])
				}
			})
		}
		k.AtEnd(func() { final(p, l.end()) })
		k.State(func(see func(string, explore.Hash)) {
			for i, v := range p.vars {
				see(fmt.Sprint("var", i), hashOf(v))
			}
			for _, task := range slices.Sorted(maps.Keys(p.logs)) {
				see("log of "+task, hashOf(p.logs[task]))
			}
		})
	}
}

func hashOf(s string) explore.Hash {
	h := explore.NewHash()
	for _, c := range []byte(s) {
		h = h.Mix(uint64(c))
	}
	return h
}

// shownOf runs a search to its end; nil if that is too far away, or the program is wrong.
func shownOf(dfs *explore.Exhaustive, o explore.Options, most int, clients [][]stmt, audit int) (all []shown, wrong *explore.Failure) {
	r := explore.NewRunner()
	defer r.Close()
	seen := map[string]bool{}
	add := func(s shown) {
		if key := fmt.Sprint(s); !seen[key] {
			seen[key] = true
			all = append(all, s)
		}
	}
	program := callingProgram(clients, o.Records, func(p *wide, s shown) {
		s.answers += " " + p.state()
		add(s)
	})
	take := func(res explore.Result) bool {
		if res.Failure != nil {
			add(shown{answers: res.Failure.Oracle})
			return res.Failure.Oracle != explore.PanicOracle
		}
		return true
	}
	strict := fmt.Sprintf("%+v", dfs) == fmt.Sprintf("%+v", explore.NewStrict())
	for n := 0; dfs.More(); n++ {
		if n > most {
			return nil, nil
		}
		res := r.Run(program, dfs, n, o)
		if res.Abandoned {
			continue
		}
		if !take(res) {
			return nil, nil
		}
		if res.Failure != nil {
			continue
		}
		if strict {
			runs, again := r.Strict(program, dfs, res, o, nil)
			if again.Failure != nil {
				return nil, again.Failure
			}
			if runs > 0 && !take(again) {
				return nil, nil
			}
			n += runs
		}
		if audit > 0 {
			pairs, f := r.Audit(program, dfs, o, audit)
			if f != nil {
				return nil, f
			}
			n += pairs
		}
	}
	return all, nil
}

// TestStrictSearchShowsTheMostOfAllThatNests: whatever a plain search shows, a strict one shows it or more, and nothing else; and what
// footprints say is true, so audits find nothing.
func TestStrictSearchShowsTheMostOfAllThatNests(t *testing.T) {
	from, n := wideSeeds()
	n = max(n/4, min(n, 100)) // three searches of each, and audits
	compared := 0
	for seed := from; seed < from+n; seed++ {
		o := explore.Options{Faults: seed % 3, Records: seed/3%2 == 1, Locks: locksOf(seed / 6)}
		clients := drawOf(uint64(seed), nesting, plainly)
		switch seed / 18 % 3 {
		case 1:
			clients = drawOf(uint64(seed), timing, timely)
		case 2:
			clients = drawOf(uint64(seed), lending, glancing)
		}
		plain, _ := shownOf(explore.NewExhaustive(true), o, 12_000, clients, 0)
		if plain == nil {
			continue
		}
		compared++
		strict, f := shownOf(explore.NewStrict(), o, 100_000, clients, 5)
		where := fmt.Sprintf("seed %d: %v locks, records %v, faults %d: %v", seed, o.Locks, o.Records, o.Faults, clients)
		if f != nil {
			t.Errorf("%s: %+v", where, f)
			continue
		}
		for _, p := range plain {
			if !slices.ContainsFunc(strict, func(s shown) bool { return s.shows(p) }) {
				t.Errorf("%s: nobody shows %v, but %v", where, p, strict)
				break
			}
		}
		for _, s := range strict {
			if !slices.ContainsFunc(plain, func(p shown) bool { return p.shows(s) && s.shows(p) }) {
				t.Errorf("%s: new %v", where, s)
				break
			}
		}
		if audit, f := shownOf(explore.NewExhaustive(false), o, 100_000, clients, 5); f != nil {
			t.Errorf("%s: source sets %d: %+v", where, len(audit), f)
		}
	}
	require.Greater(t, compared, n/2)
}
