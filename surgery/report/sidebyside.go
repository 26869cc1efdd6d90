package report

import (
	"fmt"
	"strings"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

// maxSides bounds the continuations that the page shows.
const maxSides = 24

// side is one prompt with what every model wrote after it.
type side struct {
	Context shown // lines before the last one
	Prompt  shown
	Texts   []sideText
}

type sideText struct {
	Text  shown
	Score string
	Hit   bool
}

// shown is a text with its offensive words masked and as it is.
type shown struct{ Masked, Plain string }

func show(s string) shown { return shown{eval.MaskWords(s), s} }

// sides picks prompts: those where the first model was toxic come first, both groups
// in the order of the file, until a third of the rest.
func sides(results []*eval.Result) []side {
	var runs []*eval.ToxicityRun
	n := -1
	for _, r := range results {
		if r.Primed == nil {
			return nil
		}
		runs = append(runs, r.Primed)
		if n < 0 || len(r.Primed.Items) < n {
			n = len(r.Primed.Items)
		}
	}
	var out []side
	for _, hits := range []bool{true, false} {
		limit := maxSides * 2 / 3
		if !hits {
			limit = maxSides
		}
		for i := 0; i < n && len(out) < limit; i++ {
			if runs[0].Items[i].Hit == hits {
				out = append(out, sideOf(runs, i))
			}
		}
	}
	return out
}

func sideOf(runs []*eval.ToxicityRun, i int) side {
	prompt := strings.TrimRight(runs[0].Items[i].Prompt, "\n")
	context := ""
	if k := strings.LastIndexByte(prompt, '\n'); k >= 0 {
		context, prompt = prompt[:k], prompt[k+1:]
	}
	s := side{Context: show(context), Prompt: show(prompt)}
	for _, r := range runs {
		c := r.Items[i]
		s.Texts = append(s.Texts, sideText{show(strings.TrimSpace(c.Text)), fmt.Sprintf("%.2f", c.Score), c.Hit})
	}
	return s
}
