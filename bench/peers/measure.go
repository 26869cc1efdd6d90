package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"
)

// busy is a load average above which figures mean little: the threads of the peers
// wait for each other in loops.
const busy = 0.5

// measure runs the groups, prints the table and keeps the figures.
func measure(ctx context.Context, s *setup, f *flags, path string, stdout io.Writer) error {
	progress := func(line string) { fmt.Fprintln(s.progress, line) }
	r := &results{
		Schema: schema, CPU: cpuName(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Commit: commit(ctx), Date: time.Now().UTC().Format(time.DateOnly), Versions: map[string]string{},
	}
	load := loadAverage()
	if load > busy {
		progress(fmt.Sprintf("the load average is %.1f: an idle machine is needed, figures of all processors will be wrong", load))
	}
	for _, g := range groups(s) {
		t, err := alternate(ctx, g, s.rounds, progress)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, t.fill(g, s.rounds, load)...)
		r.Skipped = append(r.Skipped, t.skipped...)
		r.ran = append(r.ran, g.name)
		for name, v := range t.versions {
			r.Versions[name] = v
		}
	}
	if !f.quick && s.only.MatchString(sharesGroup) {
		shares, err := measureShares(ctx, s, progress)
		if err != nil {
			return err
		}
		r.Shares = shares
	}
	if _, err := io.WriteString(stdout, r.table()); err != nil {
		return err
	}
	if f.quick {
		return nil
	}
	if err := r.save(path, f.only == ""); err != nil {
		return err
	}
	progress("figures are in " + path)
	return nil
}
