package bench_test

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// shares are what the time of a schedule is divided into.
func shares() []string {
	return []string{"kernel", "codec", "driver", "simulators", "oracles", "world", "runtime"}
}

// BenchmarkFigureShares takes a CPU profile of the explorer and says whose the samples are. A sample that falls in the
// construction of a world or in an oracle belongs there, whatever that calls; any other to the innermost frame of this
// module, with the library functions and the memory that it uses; one without such a frame to the Go runtime, which is
// mostly the garbage collector.
func BenchmarkFigureShares(b *testing.B) {
	for _, p := range programs() {
		b.Run("program"+p.suffix, func(b *testing.B) {
			var names []string
			for _, s := range shares() {
				names = append(names, "explore/share_"+s+p.suffix)
			}
			figure := wanted(b, names...)
			file := filepath.Join(b.TempDir(), "cpu.pprof")
			p.profile(b, file)
			cmd := exec.Command("go", "tool", "pprof", "-traces", "-lines", file)
			cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+b.TempDir())
			out, err := cmd.Output()
			if errors.Is(err, exec.ErrNotFound) {
				b.Skip("no go command, whose tool pprof reads profiles")
			}
			must(b, err)
			of, err := samples(out)
			must(b, err)
			total := time.Duration(0)
			for _, d := range of {
				total += d
			}
			for i, s := range shares() {
				figure(names[i], 100*of[s].Seconds()/total.Seconds())
			}
		})
	}
}

// profile explores for a few seconds: a sample is taken every 10 ms.
func (p *program) profile(b *testing.B, file string) {
	b.Helper()
	f, err := os.Create(file)
	must(b, err)
	defer f.Close()
	must(b, pprof.StartCPUProfile(f))
	defer pprof.StopCPUProfile()
	for seed, start := uint64(0), time.Now(); time.Since(start) < 5*time.Second; seed++ {
		p.schedulesPerSecond(b, seed)
	}
}

// samples adds up the stacks of pprof -traces by share. Each begins with a ruler; its first line begins with its time.
func samples(text []byte) (map[string]time.Duration, error) {
	// "[TIME] FUNCTION FILE:LINE [(inline)]", of a function of this module
	frame := regexp.MustCompile(`(vmdkvol/\S+) \S*/(\w+\.go):\d+`)
	of := map[string]time.Duration{}
	var d time.Duration
	share, found := "", false
	flush := func() {
		if d > 0 {
			of[share] += d
		}
		d, share, found = 0, "runtime", false
	}
	begins := false
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line := s.Text()
		if strings.HasPrefix(line, "-----------+") {
			flush()
			begins = true
			continue
		}
		if begins {
			word := strings.Fields(line)
			if len(word) == 0 {
				continue
			}
			t, err := time.ParseDuration(word[0])
			if err != nil {
				return nil, errors.New("pprof -traces: a stack without its time: " + line)
			}
			d, begins = t, false
		}
		m := frame.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		whose, all := shareOf(m[1], m[2])
		if all || !found {
			share, found = whose, true
		}
	}
	flush()
	return of, nil
}

// shareOf says whose a function of a file is. all says that what the function calls is its too.
func shareOf(function, file string) (share string, all bool) {
	rest := strings.TrimPrefix(function, "vmdkvol/")
	in := func(dirs ...string) bool {
		for _, d := range dirs {
			if strings.HasPrefix(rest, d+".") || strings.HasPrefix(rest, d+"/") {
				return true
			}
		}
		return false
	}
	is := func(files ...string) bool {
		for _, f := range files {
			if file == f {
				return true
			}
		}
		return false
	}
	switch {
	case in("model"), in("scenarios") && is("oracle.go", "explain.go"):
		return "oracles", true
	case in("scenarios") && is("codec.go"):
		return "codec", false
	case in("scenarios"):
		return "world", strings.HasSuffix(rest, ".(*theatre).build")
	case in("explore"):
		return "kernel", false
	case in("driver/wire"), in("driver/vmdkops") && is("classify.go", "codec.go"),
		in("esxsim") && is("memo.go", "recent.go", "meta.go", "python.go", "request.go"):
		return "codec", false
	case in("driver"):
		return "driver", false
	case in("esxsim", "vmcisim", "guestsim"):
		return "simulators", false
	}
	return "world", false
}
