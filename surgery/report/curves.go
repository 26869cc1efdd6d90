package report

import (
	"fmt"
	"html/template"
	"math"
)

// panel is a set of curves that share axes.
type panel struct {
	Name   string
	Curves []Curve
	SVG    template.HTML
}

// panels groups curves by Panel in order of first appearance; curves without two
// finite points are left out.
func panels(curves []Curve) []panel {
	var out []panel
	at := map[string]int{}
	for _, c := range curves {
		c = finite(c)
		if len(c.X) < 2 {
			continue
		}
		i, ok := at[c.Panel]
		if !ok {
			i = len(out)
			at[c.Panel] = i
			out = append(out, panel{Name: c.Panel})
		}
		out[i].Curves = append(out[i].Curves, c)
	}
	for i := range out {
		out[i].SVG = drawCurves(out[i])
	}
	return out
}

func finite(c Curve) Curve {
	out := Curve{Panel: c.Panel, Name: c.Name}
	for i := range min(len(c.X), len(c.Y)) {
		if s := c.X[i] + c.Y[i]; !math.IsNaN(s) && !math.IsInf(s, 0) {
			out.X, out.Y = append(out.X, c.X[i]), append(out.Y, c.Y[i])
		}
	}
	return out
}

// Geometry of curve panels.
const (
	curveW, curveH    = 420.0, 230.0
	curveL, curveR    = 46.0, 10.0
	curveT, curveB    = 10.0, 24.0
	curveMaxPoints    = 400
	curveSmoothWindow = 9
)

func drawCurves(p panel) template.HTML {
	x0, x1, y0, y1 := bounds(p.Curves)
	s := &svg{w: curveW, h: curveH}
	px := func(x float64) float64 { return curveL + (x-x0)/(x1-x0)*(curveW-curveL-curveR) }
	py := func(y float64) float64 { return curveH - curveB - (y-y0)/(y1-y0)*(curveH-curveT-curveB) }
	for _, t := range ticks(y0, y1, 5) {
		s.line("grid", curveL, py(t), curveW-curveR, py(t))
		s.text("tick", "end", curveL-6, py(t)+4, fmt.Sprintf("%.4g", t))
	}
	for _, t := range ticks(x0, x1, 6) {
		s.text("tick", "middle", px(t), curveH-7, fmt.Sprintf("%.4g", t))
	}
	for i, c := range p.Curves {
		c = thin(c)
		xs, raw, soft := make([]float64, len(c.X)), make([]float64, len(c.X)), smooth(c.Y)
		for k := range c.X {
			xs[k], raw[k], soft[k] = px(c.X[k]), py(c.Y[k]), py(soft[k])
		}
		class := fmt.Sprintf("series%d stroke", i%4)
		s.path(class+" faint", xs, raw, "")
		s.path(class, xs, soft, c.Name)
	}
	return s.HTML(p.Name + " over training steps")
}

// bounds is the box of all points, never empty; y starts at 0 for positive curves.
func bounds(curves []Curve) (x0, x1, y0, y1 float64) {
	x0, y1 = math.Inf(1), math.Inf(-1)
	x1 = math.Inf(-1)
	for _, c := range curves {
		for i := range c.X {
			x0, x1 = min(x0, c.X[i]), max(x1, c.X[i])
			y0, y1 = min(y0, c.Y[i]), max(y1, c.Y[i])
		}
	}
	if x1 <= x0 {
		x1 = x0 + 1
	}
	if y1 <= y0 {
		y1 = y0 + 1
	}
	return x0, x1, y0, y1 + (y1-y0)*0.04
}

// thin keeps every k-th point so that the page stays small.
func thin(c Curve) Curve {
	k := (len(c.X) + curveMaxPoints - 1) / curveMaxPoints
	if k <= 1 {
		return c
	}
	out := Curve{Panel: c.Panel, Name: c.Name}
	for i := 0; i < len(c.X); i += k {
		out.X, out.Y = append(out.X, c.X[i]), append(out.Y, c.Y[i])
	}
	return out
}

// smooth is a centred running mean.
func smooth(y []float64) []float64 {
	out := make([]float64, len(y))
	for i := range y {
		half := min(curveSmoothWindow/2, i, len(y)-1-i)
		for k := i - half; k <= i+half; k++ {
			out[i] += y[k]
		}
		out[i] /= float64(2*half + 1)
	}
	return out
}
