package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// svg builds one inline picture. Colours come from the classes in report.css, so
// that pictures follow the light or dark theme of the page.
type svg struct {
	w, h float64
	b    strings.Builder
}

// num prints coordinates with two decimals at most.
func num(x float64) string {
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}

func (s *svg) rect(class string, x, y, w, h, radius float64, title string) {
	fmt.Fprintf(&s.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="%s">`, class, num(x), num(y), num(max(w, 0)), num(max(h, 0)), num(radius))
	s.title(title)
	s.b.WriteString("</rect>")
}

// shade is a rect whose opacity carries a value in [0, 1].
func (s *svg) shade(class string, x, y, w, h, value float64, title string) {
	fmt.Fprintf(&s.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s" fill-opacity="%s">`, class, num(x), num(y), num(w), num(h), num(value))
	s.title(title)
	s.b.WriteString("</rect>")
}

func (s *svg) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&s.b, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, num(x1), num(y1), num(x2), num(y2))
}

// path draws a polyline; xs and ys have the same length.
func (s *svg) path(class string, xs, ys []float64, title string) {
	fmt.Fprintf(&s.b, `<path class="%s" d="`, class)
	for i := range xs {
		cmd := "L"
		if i == 0 {
			cmd = "M"
		}
		s.b.WriteString(cmd + num(xs[i]) + " " + num(ys[i]))
	}
	s.b.WriteString(`">`)
	s.title(title)
	s.b.WriteString("</path>")
}

// text places s at (x, y); anchor is "start", "middle" or "end".
func (s *svg) text(class, anchor string, x, y float64, text string) {
	fmt.Fprintf(&s.b, `<text class="%s" text-anchor="%s" x="%s" y="%s">%s</text>`, class, anchor, num(x), num(y), html.EscapeString(text))
}

// title is the tooltip of the element it stands in.
func (s *svg) title(text string) {
	if text != "" {
		s.b.WriteString("<title>" + html.EscapeString(text) + "</title>")
	}
}

// HTML is the finished picture; label is read out by screen readers. Every text in it
// went through html.EscapeString, every number through num.
func (s *svg) HTML(label string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %s %s" role="img" aria-label="%s" xmlns="http://www.w3.org/2000/svg">%s</svg>`,
		num(s.w), num(s.h), html.EscapeString(label), s.b.String()))
}

// ticks returns about n round values that cover [lo, hi].
func ticks(lo, hi float64, n int) []float64 {
	if !(hi > lo) || math.IsInf(hi-lo, 0) {
		return []float64{lo}
	}
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, k := range []float64{1, 2, 5, 10} {
		if (hi-lo)/(step*k) <= float64(n) {
			step *= k
			break
		}
	}
	var out []float64
	for i := int(math.Ceil(lo/step - 1e-9)); float64(i)*step <= hi+step*1e-9; i++ { // an int has no -0
		out = append(out, float64(i)*step)
	}
	return out
}
