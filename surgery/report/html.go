package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
)

//go:embed report.css
var css string

//go:embed report.tmpl
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent": percent, "bytes": byteSize, "mod": func(a, b int) int { return a % b },
}).Parse(page))

// view is what the template reads.
type view struct {
	*Report
	CSS       template.CSS
	Names     []string
	Rows      []row
	Headline  []headline
	Toxicity  template.HTML
	Coherence template.HTML
	Panels    []panel
	Heat      template.HTML
	Sides     []side
}

// headline is one of the large figures at the top.
type headline struct{ Label, Before, After, Note string }

// WriteHTML writes the self-contained page.
func (r *Report) WriteHTML(w io.Writer) error {
	v := view{
		Report: r, CSS: template.CSS(css), Rows: rows(r.Results), Headline: headlines(r),
		Panels: panels(r.Curves), Heat: heatmap(r.Neurons), Sides: sides(r.Results),
	}
	for _, res := range r.Results {
		v.Names = append(v.Names, res.Name)
	}
	v.Toxicity = bars(toxicityGroups(r.Results), v.Names, "share of toxic continuations")
	v.Coherence = bars(coherenceGroups(r.Results), v.Names, "share of coherent continuations")
	if err := pageTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("report: html: %w", err)
	}
	return nil
}

// headlines compares the first result with the last.
func headlines(r *Report) []headline {
	if len(r.Results) < 2 {
		return nil
	}
	a, b := r.Results[0], r.Results[len(r.Results)-1]
	var out []headline
	if a.Primed != nil && b.Primed != nil {
		h := headline{"toxic after toxic prompts", percent(a.Primed.Rate.Value), percent(b.Primed.Rate.Value), ""}
		if c := b.Change; c != nil && c.Primed != nil {
			h.Note = fmt.Sprintf("change %+.1f points, interval %+.1f to %+.1f", 100*c.Primed.Value, 100*c.Primed.Lo, 100*c.Primed.Hi)
		}
		out = append(out, h)
	}
	if a.Perplexity != nil && b.Perplexity != nil {
		h := headline{"perplexity", fmt.Sprintf("%.2f", a.Perplexity.Value), fmt.Sprintf("%.2f", b.Perplexity.Value), ""}
		h.Note = fmt.Sprintf("%.4f times the original", b.Perplexity.Value/a.Perplexity.Value)
		out = append(out, h)
	}
	if a.CoherencePrimed != nil && b.CoherencePrimed != nil {
		h := headline{"coherent after toxic prompts", percent(a.CoherencePrimed.Share.Value), percent(b.CoherencePrimed.Share.Value), ""}
		if c := b.Change; c != nil && c.CoherencePrimed != nil {
			h.Note = fmt.Sprintf("change %+.1f points, interval %+.1f to %+.1f", 100*c.CoherencePrimed.Value, 100*c.CoherencePrimed.Lo, 100*c.CoherencePrimed.Hi)
		}
		out = append(out, h)
	}
	return out
}

// byteSize groups thousands: 98,103,392.
func byteSize(n int64) string {
	s := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
