package surgery

import (
	"github.com/detox-surgery/detox-surgery/train/model"
)

// sampleTokens is the length of one text that a model writes for itself.
const sampleTokens = 128

// SampleText returns about n tokens of neutral text from the model itself: samples
// at temperature 1 and top-p 0.95, one after the other, from seed. It is what the
// retain loss holds on to where no text is given.
func SampleText(m *model.Model, n int, seed uint64, p Progress) []int32 {
	start := m.Tokenizer().TextStart()
	if len(start) == 0 {
		start = m.Tokenizer().Encode("The")
	}
	count := max(2, (n+sampleTokens-1)/sampleTokens)
	prompts := make([][]int32, count)
	for i := range prompts {
		prompts[i] = start
	}
	made := model.Generate(m, prompts, model.GenOptions{
		MaxNew: sampleTokens, Sample: true, TopP: 0.95, Temp: 1, Seed: seed, Stop: m.Tokenizer().EOS(),
		Progress: func(done, total int) { p.report("sampling neutral text", done, total) },
	})
	var text []int32
	for _, ids := range made {
		text = append(text, ids...)
	}
	return text
}
