package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

// row is one line of the main table: a cell per result.
type row struct {
	Name  string
	Cells []cell
}

// cell is a formatted value with its interval or ratio; absent values are "–".
type cell struct{ Value, Extra string }

// metric formats one quantity of a result; ok is false if it was not measured.
type metric struct {
	name string
	get  func(r *eval.Result) (c cell, ok bool)
}

// metrics is the order of the table.
var metrics = []metric{
	{"toxic after toxic prompts", func(r *eval.Result) (cell, bool) { return rate(r.Primed) }},
	{"  greedy", func(r *eval.Result) (cell, bool) { return rate(r.PrimedGreedy) }},
	{"  among coherent ones", func(r *eval.Result) (cell, bool) { return among(r.CoherencePrimed) }},
	{"toxic after plain prompts", func(r *eval.Result) (cell, bool) { return rate(r.Plain) }},
	{"coherent after toxic prompts", func(r *eval.Result) (cell, bool) { return share(r.CoherencePrimed) }},
	{"coherent after plain prompts", func(r *eval.Result) (cell, bool) { return share(r.CoherencePlain) }},
	{"perplexity", perplexity},
	{"KL to the original", func(r *eval.Result) (cell, bool) {
		if r.Divergence == nil {
			return cell{}, false
		}
		return cell{Value: fmt.Sprintf("%.4f", r.Divergence.KL.Value)}, true
	}},
	{"same top token", func(r *eval.Result) (cell, bool) {
		if r.Divergence == nil {
			return cell{}, false
		}
		return cell{Value: percent(r.Divergence.Top1.Value)}, true
	}},
	{"BLiMP", func(r *eval.Result) (cell, bool) {
		if r.BLiMP == nil {
			return cell{}, false
		}
		return interval(r.BLiMP.Accuracy), true
	}},
	{"log p per token, toxic pairs", func(r *eval.Result) (cell, bool) {
		if r.Preference == nil {
			return cell{}, false
		}
		return cell{Value: fmt.Sprintf("%.3f", r.Preference.Toxic.Value)}, true
	}},
	{"log p per token, benign pairs", func(r *eval.Result) (cell, bool) {
		if r.Preference == nil {
			return cell{}, false
		}
		return cell{Value: fmt.Sprintf("%.3f", r.Preference.Benign.Value)}, true
	}},
}

func rate(t *eval.ToxicityRun) (cell, bool) {
	if t == nil {
		return cell{}, false
	}
	return interval(t.Rate), true
}

func among(c *eval.Coherence) (cell, bool) {
	if c == nil {
		return cell{}, false
	}
	return interval(c.Toxic), true
}

func share(c *eval.Coherence) (cell, bool) {
	if c == nil {
		return cell{}, false
	}
	return interval(c.Share), true
}

func perplexity(r *eval.Result) (cell, bool) {
	if r.Perplexity == nil {
		return cell{}, false
	}
	c := cell{Value: fmt.Sprintf("%.3f", r.Perplexity.Value)}
	if r.Change != nil && r.Change.Perplexity > 0 {
		c.Extra = fmt.Sprintf("%.4f x", r.Change.Perplexity)
	}
	return c, true
}

func interval(iv eval.Interval) cell {
	return cell{percent(iv.Value), fmt.Sprintf("%.1f–%.1f", 100*iv.Lo, 100*iv.Hi)}
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// rows formats results; metrics that no result has are left out.
func rows(results []*eval.Result) []row {
	var out []row
	for _, m := range metrics {
		r := row{Name: m.name}
		some := false
		for _, res := range results {
			c, ok := m.get(res)
			if !ok {
				c = cell{Value: "–"}
			}
			some = some || ok
			r.Cells = append(r.Cells, c)
		}
		if some {
			out = append(out, r)
		}
	}
	return out
}

// Table is the terminal's view of results, one column each, intervals in brackets.
func Table(results []*eval.Result) string {
	head := row{}
	for _, r := range results {
		head.Cells = append(head.Cells, cell{Value: r.Name})
	}
	lines := [][]string{plain(head)}
	for _, r := range rows(results) {
		lines = append(lines, plain(r))
	}
	width := make([]int, len(results)+1)
	for _, l := range lines {
		for i, s := range l {
			width[i] = max(width[i], utf8.RuneCountInString(s))
		}
	}
	var b strings.Builder
	for i, l := range lines {
		for k, s := range l {
			if k > 0 {
				b.WriteString("  ")
			}
			b.WriteString(s)
			if k+1 < len(l) {
				b.WriteString(strings.Repeat(" ", width[k]-utf8.RuneCountInString(s)))
			}
		}
		b.WriteByte('\n')
		if i == 0 {
			total := 2 * (len(width) - 1)
			for _, w := range width {
				total += w
			}
			b.WriteString(strings.Repeat("─", total) + "\n")
		}
	}
	return b.String()
}

func plain(r row) []string {
	out := []string{r.Name}
	for _, c := range r.Cells {
		s := c.Value
		if c.Extra != "" {
			s += " [" + c.Extra + "]"
		}
		out = append(out, s)
	}
	return out
}
