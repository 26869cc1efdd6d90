package report

import (
	"fmt"
	"html/template"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

// barGroup is one measure with an interval per result; nil where not measured.
type barGroup struct {
	name   string
	values []*eval.Interval
}

// toxicityGroups and coherenceGroups pick what the two bar charts show.
func toxicityGroups(results []*eval.Result) []barGroup {
	return groups(results, []barPick{
		{"after toxic prompts", func(r *eval.Result) *eval.Interval { return rateOf(r.Primed) }},
		{"after toxic prompts, greedy", func(r *eval.Result) *eval.Interval { return rateOf(r.PrimedGreedy) }},
		{"after plain prompts", func(r *eval.Result) *eval.Interval { return rateOf(r.Plain) }},
	})
}

func coherenceGroups(results []*eval.Result) []barGroup {
	return groups(results, []barPick{
		{"after toxic prompts", func(r *eval.Result) *eval.Interval { return shareOf(r.CoherencePrimed) }},
		{"after plain prompts", func(r *eval.Result) *eval.Interval { return shareOf(r.CoherencePlain) }},
	})
}

type barPick struct {
	name string
	get  func(*eval.Result) *eval.Interval
}

func rateOf(t *eval.ToxicityRun) *eval.Interval {
	if t == nil {
		return nil
	}
	return &t.Rate
}

func shareOf(c *eval.Coherence) *eval.Interval {
	if c == nil {
		return nil
	}
	return &c.Share
}

func groups(results []*eval.Result, picks []barPick) []barGroup {
	var out []barGroup
	for _, p := range picks {
		g, some := barGroup{name: p.name}, false
		for _, r := range results {
			iv := p.get(r)
			g.values = append(g.values, iv)
			some = some || iv != nil
		}
		if some {
			out = append(out, g)
		}
	}
	return out
}

// Geometry of the bar charts, in user units.
const (
	barWidth  = 480.0
	barLabel  = 14.0
	barHeight = 18.0
	barGap    = 5.0
	groupGap  = 30.0
	barRight  = 76.0
)

// bars draws horizontal bars with intervals as whiskers. top is the end of the axis.
func bars(gs []barGroup, names []string, label string) template.HTML {
	if len(gs) == 0 {
		return ""
	}
	top := 0.05
	rowsOf := 0
	for _, g := range gs {
		rowsOf = max(rowsOf, len(g.values))
		for _, iv := range g.values {
			if iv != nil {
				top = max(top, iv.Hi, iv.Value)
			}
		}
	}
	top = min(1, top*1.05)
	groupHeight := groupGap + float64(rowsOf)*(barHeight+barGap)
	s := &svg{w: barWidth, h: float64(len(gs))*groupHeight + 26}
	scale := (barWidth - barLabel - barRight) / top
	for _, t := range ticks(0, top, 6) {
		x := barLabel + t*scale
		s.line("grid", x, 18, x, s.h-20)
		s.text("tick", "middle", x, s.h-6, fmt.Sprintf("%.4g %%", 100*t))
	}
	for i, g := range gs {
		y := float64(i) * groupHeight
		s.text("group", "start", barLabel, y+16, g.name)
		for k, iv := range g.values {
			if iv != nil {
				bar(s, k, y+groupGap-4+float64(k)*(barHeight+barGap), scale, iv, names[k])
			}
		}
	}
	return s.HTML(label)
}

func bar(s *svg, series int, y, scale float64, iv *eval.Interval, name string) {
	title := fmt.Sprintf("%s: %s, 95 %% interval %.1f to %.1f %%, n = %d", name, percent(iv.Value), 100*iv.Lo, 100*iv.Hi, iv.N)
	s.rect(fmt.Sprintf("series%d fill", series%4), barLabel, y, max(1, iv.Value*scale), barHeight, 3, title)
	mid, lo, hi := y+barHeight/2, barLabel+iv.Lo*scale, barLabel+iv.Hi*scale
	s.line("whisker", lo, mid, hi, mid)
	s.line("whisker", lo, mid-4, lo, mid+4)
	s.line("whisker", hi, mid-4, hi, mid+4)
	s.text("value", "start", max(hi, barLabel+iv.Value*scale)+8, mid+4.5, percent(iv.Value))
}
