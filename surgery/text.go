package surgery

import (
	"math/rand/v2"

	"github.com/detox-surgery/detox-surgery/surgery/pairs"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// sampleTokens is the length of one text that a model writes for itself.
const sampleTokens = 64

// SampleText returns about n tokens of neutral text from the model itself: samples
// at temperature 1 and top-p 0.95, one after the other, from seed. Half of them start
// a text, half go on from an embedded beginning: text cut from the middle of articles
// does not hold a model to what it says after two words. It is what the retain loss
// holds on to where no text is given.
func SampleText(m *model.Model, n int, seed uint64, p Progress) []int32 {
	tok := m.Tokenizer()
	start := tok.TextStart()
	count := max(2, (n+sampleTokens-1)/sampleTokens)
	r := rand.New(rand.NewPCG(seed, 4))
	begin := pairs.Beginnings()
	prompts := make([][]int32, count)
	for i := range prompts {
		prompts[i] = start
		if i%2 == 1 || len(start) == 0 {
			prompts[i] = append(append([]int32{}, start...), tok.Encode(begin[r.IntN(len(begin))])...)
		}
	}
	made := model.Generate(m, prompts, model.GenOptions{
		MaxNew: sampleTokens, Sample: true, TopP: 0.95, Temp: 1, Seed: seed, Stop: tok.EOS(),
		Progress: func(done, total int) { p.report("sampling neutral text", done, total) },
	})
	var text []int32
	for i, ids := range made {
		text = append(append(text, prompts[i][len(start):]...), ids...)
	}
	return text
}
