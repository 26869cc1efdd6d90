package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
)

// Geometry of the heat map.
const (
	heatRanks = 64
	heatCell  = 12.0 // width
	heatLine  = 9.0  // height
	heatLeft  = 40.0
	heatTop   = 6.0
)

// heatmap draws the neurons by block (rows, the last on top) and by rank within their
// block (columns); colour is the score relative to the largest.
func heatmap(neurons []Neuron) template.HTML {
	blocks := map[int][]Neuron{}
	last, top := 0, 0.0
	for _, n := range neurons {
		if n.Score > 0 && !math.IsInf(n.Score, 0) && n.Block >= 0 {
			blocks[n.Block] = append(blocks[n.Block], n)
			last, top = max(last, n.Block), max(top, n.Score)
		}
	}
	if top == 0 {
		return ""
	}
	s := &svg{w: heatLeft + heatRanks*heatCell + 10, h: heatTop + float64(last+1)*heatLine + 30}
	for b := 0; b <= last; b++ {
		y := heatTop + float64(last-b)*heatLine
		if b%5 == 0 || b == last && b%5 > 1 {
			s.text("tick", "end", heatLeft-6, y+heatLine-1, fmt.Sprintf("%d", b))
		}
		s.rect("heatrow", heatLeft, y+0.5, heatRanks*heatCell, heatLine-1, 1, "")
		row := blocks[b]
		slices.SortFunc(row, func(a, b Neuron) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Index, b.Index))
		})
		for k, n := range row[:min(len(row), heatRanks)] {
			title := fmt.Sprintf("blk.%d.ffn:%d, rank %d of its block, score %.4g", n.Block, n.Index, k+1, n.Score)
			s.shade("heat", heatLeft+float64(k)*heatCell+0.5, y+0.5, heatCell-1, heatLine-1, math.Sqrt(n.Score/top), title)
		}
	}
	for _, k := range []int{1, 16, 32, 48, 64} {
		s.text("tick", "middle", heatLeft+(float64(k)-0.5)*heatCell, s.h-12, fmt.Sprintf("%d", k))
	}
	return s.HTML("toxicity neurons by block and rank")
}
