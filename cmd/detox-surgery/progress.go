package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// lineEvery is how often progress prints a line where stderr is not a terminal.
const lineEvery = 10 * time.Second

// progress shows long work on stderr: a bar with an ETA on a terminal, a line now
// and then elsewhere, nothing under --quiet.
type progress struct {
	mu     sync.Mutex
	quiet  bool
	bars   *mpb.Progress
	bar    *mpb.Bar
	stage  string
	began  time.Time
	last   time.Time
	isTerm bool
}

func newProgress(c *cli.Context) *progress {
	p := &progress{quiet: c.Bool("quiet"), isTerm: term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb"}
	if p.isTerm && !p.quiet {
		p.bars = mpb.New(mpb.WithOutput(os.Stderr), mpb.WithWidth(40))
	}
	return p
}

// report is a surgery.Progress.
func (p *progress) report(stage string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet || total <= 0 {
		return
	}
	if stage != p.stage {
		p.begin(stage, total)
	}
	if p.bar != nil {
		p.bar.SetCurrent(int64(done))
		return
	}
	now := time.Now()
	if p.bars == nil && (done == total || now.Sub(p.last) >= lineEvery) {
		p.last = now
		fmt.Fprintf(os.Stderr, "%s: %d of %d%s\n", stage, done, total, eta(now.Sub(p.began), done, total))
	}
}

func (p *progress) begin(stage string, total int) {
	if p.bar != nil {
		p.bar.SetTotal(-1, true)
		p.bar = nil
	}
	p.stage, p.began, p.last = stage, time.Now(), time.Now()
	if p.bars != nil {
		p.bar = p.bars.AddBar(int64(total),
			mpb.PrependDecorators(decor.Name(stage, decor.WC{W: 34, C: decor.DindentRight}), decor.CountersNoUnit("%d/%d")),
			mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 6}), decor.Name(" left")))
	}
}

// close ends the last bar.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.SetTotal(-1, true)
	}
	if p.bars != nil {
		p.bars.Wait()
	}
}

// eta says how much longer work takes at the pace so far.
func eta(spent time.Duration, done, total int) string {
	if done <= 0 || done >= total {
		return fmt.Sprintf(", %s", spent.Round(time.Second))
	}
	left := time.Duration(float64(spent) / float64(done) * float64(total-done))
	return fmt.Sprintf(", %s left", left.Round(time.Second))
}
