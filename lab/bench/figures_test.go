package bench_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// spec is what is known of a figure before it is measured. target "-" has none: the figure explains another. ceiling ""
// has none either.
type spec struct{ name, unit, target, ceiling string }

// specs are all figures of this package, as doc.go describes them.
func specs() []spec {
	all := []spec{
		{"driver/own_us", "us", "5", ""},
		{"driver/same_volume_per_s", "1/s", "20000", ""},
		{"driver/front_of_noop", "ratio", "0.40", "1"},
		{"driver/others_while_hung_ms", "ms", "5", "1"},
		{"driver/others_while_hung_ms_p50", "ms", "-", "1"},
		{"driver/others_while_hung_ms_p99", "ms", "-", "1"},
		{"driver/others_while_hung_ms_worst", "ms", "-", "1"},
		{"driver/others_without_hung_ms_worst", "ms", "-", "1"},
		{"driver/cycles_drift", "ratio", "1.10", ""},
		{"driver/rate_of_ceiling_50ms", "%", "90", "100"},
		{"driver/rate_of_ceiling_50ms_vmlock", "%", "95", "100"},
		{"driver/rss_mib_1000", "MiB", "30", ""},
		{"driver/rss_mib_idle", "MiB", "-", ""},
		{"explore/engine_vs_synctest", "x", "4", ""},
		{"explore/program_vs_synctest", "x", "-", ""},
		{"explore/step_vs_coroutine", "x", "3", ""},
		{"explore/runs_vs_sleep_sets", "x", "10", ""},
		{"explore/year_s", "s", "30", ""},
		{"esx/commands_per_s", "1/s", "50000", ""},
		{"esx/growth_10x", "x", "12", ""},
		{"esx/bytes_per_disk", "bytes", "-", ""},
		{"esx/bytes_growth_10x", "x", "12", ""},
		{"esx/serve_get_per_s", "1/s", "5000", ""},
		{"esx/serve_get_cpu_us", "us", "-", ""},
		{"esx/serve_get_per_s_db", "1/s", "-", ""},
		{"esx/list_5000_ms", "ms", "50", ""},
		{"pr810/found", "seeds", "1000", "1000"},
		{"pr810/ms_p50", "ms", "-", ""},
		{"pr810/ms_max", "ms", "10", ""},
		{"pr810/schedules_p50", "schedules", "-", ""},
		{"pr810/schedules_max", "schedules", "200", ""},
	}
	for _, p := range programs() {
		all = append(all,
			spec{"explore/schedules_per_s" + p.suffix, "1/s", p.target, ""},
			spec{"explore/steps_per_schedule" + p.suffix, "steps", "-", ""},
			spec{"explore/switches_per_schedule" + p.suffix, "switches", "-", ""},
			spec{"explore/rpcs_per_schedule" + p.suffix, "rpcs", "-", ""})
		for _, s := range shares() {
			all = append(all, spec{"explore/share_" + s + p.suffix, "%", "-", ""})
		}
	}
	return all
}

// wanted skips figures that nobody asked for, or returns what prints them. All of them must be printed, and no others.
func wanted(b *testing.B, names ...string) (figure func(name string, value float64)) {
	b.Helper()
	if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, os.Getenv("BENCH")) }) {
		b.Skip("not asked for")
	}
	missing := map[string]spec{}
	for _, s := range specs() {
		if slices.Contains(names, s.name) {
			missing[s.name] = s
		}
	}
	if len(missing) != len(names) {
		b.Fatalf("specs does not have all of %q", names)
	}
	b.Cleanup(func() {
		if len(missing) > 0 && !b.Failed() && !b.Skipped() {
			b.Errorf("not printed: %v", missing)
		}
	})
	return func(name string, value float64) {
		b.Helper()
		s, ok := missing[name]
		if !ok {
			b.Fatalf("%s was printed already, or was not announced", name)
		}
		delete(missing, name)
		fmt.Printf("\n%s\n", s.line(value))
	}
}

func (s spec) line(value float64) string {
	format := "bench: %s %.4g %s target=%s"
	if value >= 1000 { // no exponent
		format = "bench: %s %.0f %s target=%s"
	}
	line := fmt.Sprintf(format, s.name, value, s.unit, s.target)
	if s.ceiling != "" {
		line += " ceiling=" + s.ceiling
	}
	return line
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
