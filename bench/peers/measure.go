package main

import (
	"context"
	"log"
	"maps"
	"runtime"
	"time"
)

// busy is a load average above which figures mean little: the threads of the peers
// wait for each other in loops.
const busy = 0.5

// measure runs the groups, prints the table and keeps the figures.
func measure(ctx context.Context, s *setup, f *flags, path string, stdout *log.Logger) error {
	r := &results{
		Schema: schema, CPU: cpuName(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Commit: commit(ctx), Date: time.Now().UTC().Format(time.DateOnly), Versions: map[string]string{},
	}
	load := warnBusy(s)
	for _, g := range groups(s) {
		t, err := alternate(ctx, g, s.rounds, s.log)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, t.fill(g, s.rounds, load)...)
		r.Skipped = append(r.Skipped, t.skipped...)
		r.ran = append(r.ran, g.name)
		maps.Copy(r.Versions, t.versions)
	}
	if !f.quick && s.only.MatchString(sharesGroup) {
		shares, err := measureShares(ctx, s)
		if err != nil {
			return err
		}
		r.Shares = shares
	}
	stdout.Print(r.table())
	if f.quick {
		return nil
	}
	if err := r.save(path, f.only == ""); err != nil {
		return err
	}
	s.log.Printf("figures are in %s", path)
	return nil
}

// warnBusy returns the load average and tells if it is high.
func warnBusy(s *setup) float64 {
	load := loadAverage()
	if load > busy {
		s.log.Printf("the load average is %.1f: an idle machine is needed, figures of all processors will be wrong", load)
	}
	return load
}
