package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"regexp"
	"slices"
)

// A group is what contenders measure in turn. The first contender is ours: the
// others are compared with it.
type group struct {
	name       string
	rows       []row // without figures
	contenders []contender
}

// A contender measures once: a value for some rows of the group, by their ids.
type contender struct {
	name string
	run  func(ctx context.Context) (sample, error)
}

// sample is the outcome of one run.
type sample struct {
	values  map[string]float64
	shares  map[string]float64 // of the processor's limits, ours only
	version string
}

// tally collects the runs of a group.
type tally struct {
	values   map[string]map[string][]float64 // by contender, by row
	shares   map[string]map[string][]float64 // likewise
	versions map[string]string               // by contender
	skipped  []skip
}

// folders matches the folders of paths, which are nobody's business.
var folders = regexp.MustCompile(`(?:/[^\s/:"']+)+/`)

// alternate runs the contenders in turn, rounds times. One that fails is left out
// from then on; if it is the first, that is an error.
func alternate(ctx context.Context, g group, rounds int, progress *log.Logger) (*tally, error) {
	t := &tally{values: map[string]map[string][]float64{}, shares: map[string]map[string][]float64{}, versions: map[string]string{}}
	out := map[string]bool{}
	for round := range rounds {
		for i, c := range g.contenders {
			if out[c.name] {
				continue
			}
			progress.Printf("%s: round %d of %d, %s", g.name, round+1, rounds, c.name)
			s, err := c.run(ctx)
			if err == nil {
				t.add(c.name, s)
				continue
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if i == 0 && !errors.Is(err, errSkip) {
				return nil, fmt.Errorf("%s: %w", g.name, err)
			}
			out[c.name] = true
			delete(t.values, c.name)
			t.skipped = append(t.skipped, skip{g.name, c.name, folders.ReplaceAllString(err.Error(), "")})
			progress.Printf("%s: skipping %s: %v", g.name, c.name, err)
			if i == 0 {
				return t, nil
			}
		}
	}
	return t, nil
}

func (t *tally) add(name string, s sample) {
	if t.values[name] == nil {
		t.values[name] = map[string][]float64{}
	}
	for id, v := range s.values {
		t.values[name][id] = append(t.values[name][id], v)
	}
	for id, v := range s.shares {
		if t.shares[name] == nil {
			t.shares[name] = map[string][]float64{}
		}
		t.shares[name][id] = append(t.shares[name][id], v)
	}
	if s.version != "" {
		t.versions[name] = s.version
	}
}

// fill makes the rows of a group from its runs. Rows that our own program did not
// measure are left out.
func (t *tally) fill(g group, rounds int, load float64) (out []row) {
	first := g.contenders[0].name
	for _, r := range g.rows {
		ours := t.values[first][r.ID]
		if len(ours) == 0 {
			continue
		}
		r.Ours, r.Share = newFigure(ours), round(median(t.shares[first][r.ID]))
		r.Rounds, r.Load = rounds, load
		for _, c := range g.contenders[1:] {
			if v := t.values[c.name][r.ID]; len(v) > 0 {
				p := peer{Name: c.name, figure: newFigure(v)}
				p.Ratio = r.ratio(p.Value)
				r.Peers = append(r.Peers, p)
			}
		}
		out = append(out, r)
	}
	return out
}

func newFigure(v []float64) figure {
	return figure{Value: round(median(v)), Least: round(slices.Min(v)), Most: round(slices.Max(v))}
}

// median is that of a list, 0 of an empty one.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
