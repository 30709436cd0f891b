package house

// Module is the path of the module that the tables speak of.
const Module = "vmdkvol"

// Arrow says what one package, or every package below a path that ends in "/...", may import of this module in its
// non-test files. The row with the longest matching path counts.
type Arrow struct {
	From string
	To   []string // exact paths, or "path/..." for everything at and below it; "..." is the whole module
	// Embedded packages may each be imported by one single file, and only by one that the tag vmci excludes.
	Embedded []string
	// StdOnly forbids other modules too.
	StdOnly bool
}

// Arrows is the design's picture of the house.
func Arrows() []Arrow {
	shell := []string{"driver", "driver/vmdkops", "driver/wire", "seam"}
	transport := []string{"driver/wire"}
	return []Arrow{
		{From: "seam", StdOnly: true},
		{From: "model", StdOnly: true},
		{From: "explore", To: []string{"seam"}},

		{From: "driver/wire", StdOnly: true},
		{From: "driver/vmdkops", To: []string{"driver/wire", "seam"}},
		{From: "driver", To: []string{"driver/vmdkops", "driver/wire", "seam"}},

		{From: "driver/vmci", To: transport},
		{From: "driver/unixesx", To: transport},
		{From: "driver/front", To: shell},
		{From: "driver/linuxguest", To: shell},
		{From: "driver/dockerapi", To: shell},

		{From: "vmcisim", To: []string{"driver/wire", "seam"}},
		{From: "esxsim", To: []string{"driver/wire", "seam"}},
		{From: "guestsim", To: []string{"driver/wire", "seam"}},
		{From: "dockersim", To: []string{"seam"}},
		{From: "esxsim/host/configdb", To: []string{"esxsim"}},
		{From: "esxsim/host", To: []string{"esxsim", "driver/wire", "seam"}},

		{From: "scenarios/...", To: []string{
			"scenarios/...", "seam", "driver", "driver/wire", "driver/vmdkops",
			"vmcisim", "esxsim", "guestsim", "dockersim", "model", "explore",
		}},
		{
			From: "cmd/vmdkd",
			To:   []string{"driver/...", "seam"},
			// guestsim is what --guest sim runs on.
			Embedded: []string{"esxsim/host", "guestsim"},
		},
		{From: "cmd/vmdksim", To: []string{"scenarios/...", "explore", "esxsim/host/..."}},

		{From: "lab/...", To: []string{"..."}},
		// A black box: it knows the programs and the protocols, and nothing of the code.
		{From: "lab/e2e/...", StdOnly: true},
		{From: "lab/conform/byhand", StdOnly: true},
		{From: "internal/house/...", To: []string{"internal/house/..."}},
	}
}

// LinkCheck is a program that, built with some tags, must not contain certain packages, however indirectly.
type LinkCheck struct {
	Program string
	Tags    string
	Without []string // "path/..." as in Arrow; without a slash in the first element they are the module's
}

// LinkChecks lists the programs whose linked packages are checked.
func LinkChecks() []LinkCheck {
	return []LinkCheck{{
		Program: "cmd/vmdkd",
		Tags:    "vmci",
		Without: []string{
			"vmcisim/...", "esxsim/...", "guestsim/...", "dockersim/...",
			"explore/...", "model/...", "scenarios/...", "lab/...",
		},
	}}
}

// DecisionPackages are the packages that decide; packages below them (esxsim/host, driver/front) are not meant.
func DecisionPackages() []string {
	return []string{"driver", "driver/vmdkops", "vmcisim", "esxsim", "guestsim", "dockersim"}
}

// ban is a package that decisions must not import, or names of it that they must not use.
type ban struct {
	path    string   // "path/..." includes everything below
	except  []string // packages below path that are pure
	names   []string // empty: the import itself is forbidden
	only    []string // the decision packages it is forbidden in; empty: all
	rule    string
	instead string
}

const (
	useSeam    = "take it from seam.Env"
	useMonitor = "build it on seam.Env.NewMonitor"
	useShell   = "do it in a shell package, behind an interface that the decision package owns"
	useChoose  = "let the caller choose (a simulator asks seam.Stage)"
)

func bans() []ban {
	return []ban{
		{path: "sync/...", rule: "lock", instead: useMonitor},
		{path: "golang.org/x/sync/...", rule: "lock", instead: useMonitor},

		{
			path: "time", rule: "clock", instead: useSeam,
			names: []string{
				"Now", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Since", "Until",
			},
		},
		{
			path: "context", rule: "deadline", instead: "use seam.Env.WithDeadline or a monitor's Wait",
			names: []string{
				"WithTimeout", "WithDeadline", "WithTimeoutCause", "WithDeadlineCause", "AfterFunc",
			},
		},
		{
			path: "iter", rule: "goroutine", instead: "use seam.Env.Go",
			names: []string{"Pull", "Pull2"},
		},

		{path: "math/rand/...", rule: "chance", instead: useChoose},
		{path: "crypto/rand", rule: "chance", instead: useChoose},

		{path: "os/...", rule: "io", instead: useShell},
		{path: "net/...", except: []string{"net/url", "net/netip"}, rule: "io", instead: useShell},
		{path: "syscall/...", rule: "io", instead: useShell},
		{path: "golang.org/x/sys/...", rule: "io", instead: useShell},
		{path: "io/ioutil", rule: "io", instead: useShell},
		{path: "log", rule: "io", instead: "take a *slog.Logger in the Config"},
		{
			path: "fmt", rule: "io", instead: "return it, or take a *slog.Logger in the Config",
			names: []string{"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
		},
		{
			path: "path/filepath", rule: "io", instead: useShell,
			names: []string{"Abs", "EvalSymlinks", "Glob", "Walk", "WalkDir"},
		},
		{
			path: "log/slog", rule: "io", instead: "take a *slog.Logger in the Config",
			names: []string{
				"Default", "SetDefault", "Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext",
				"Error", "ErrorContext", "Log", "LogAttrs", "With",
			},
		},
		{path: "hash/maphash", rule: "chance", instead: useChoose},
		{path: "testing/...", rule: "io", instead: useShell},
		{
			path: "reflect", rule: "channel", instead: useMonitor,
			names: []string{"Select", "MakeChan", "ChanOf"},
		},
		{path: "runtime/...", rule: "goroutine", instead: useSeam},
		{path: "C", rule: "io", instead: useShell},
		{path: "unsafe", rule: "io", instead: useShell},

		{
			path: Module + "/seam", rule: "stage", only: []string{"driver", "driver/vmdkops"},
			instead: "production code has no stage: faults and yields belong to the simulators",
			names:   []string{"Stage", "Quiet"},
		},
		{
			path: "maps", rule: "map order", instead: "sort at once: slices.Sorted(maps.Keys(m))",
			names: []string{"Keys", "Values", "All"},
		},
	}
}
