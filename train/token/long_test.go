package token

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// longTexts are 256 kB each of what makes a careless tokenizer take quadratic time.
func longTexts() map[string]string {
	const size = 1 << 18
	out := map[string]string{}
	for name, unit := range map[string]string{
		"letters": "a", "capitals": "É", "digits": "7", "wide digits": "٣", "blanks": " ", "wide blanks": "\u3000", "newlines": "\n",
		"blanks then newline": "   \n", "marks": "\u0301", "ideographs": "世", "signs": "=", "emoji": "😀", "bytes": "\xff",
		"mixed": "aB1é世 '=\n", "apostrophes": "'s'", "capital and small": "ÉA", "image": "IMGIMGA", "sentinel": "<sentinel:1",
	} {
		out[name] = strings.Repeat(unit, size/len(unit))
	}
	return out
}

// TestLongTextsInLinearTime bounds time and memory. The limits are ten times what an idle machine takes; work in the
// square of the length would take hours.
func TestLongTextsInLinearTime(t *testing.T) {
	texts := longTexts()
	if testing.Short() {
		for name := range texts {
			texts[name] = texts[name][:1<<15]
		}
	}
	done := map[*splitter]bool{} // many names share a chain
	for _, name := range slices.Sorted(maps.Keys(preTokenizers)) {
		split := preTokenizers[name].split
		if done[&split[0]] {
			continue
		}
		done[&split[0]] = true
		for what, text := range texts {
			start, n, size := time.Now(), 0, 0
			chain(split, func(w string) { n++; size += len(w) })(text)
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("%s: %s: %d words in %v", name, what, n, took)
			}
			if size != len(text) {
				t.Errorf("%s: %s: words of %d bytes in all, want %d", name, what, size, len(text))
			}
		}
	}
}

func TestLongTextsInEveryFamily(t *testing.T) {
	toks := map[string]*Tokenizer{"gpt2": denseTokenizer(t, "gpt-2"), preGemma4: mustNew(t, denseVocab("sarvam-moe"))}
	for _, f := range readFamilies(t).Families {
		toks[f.Name] = mustNew(t, typed(f.Keys))
	}
	texts := longTexts()
	for name, tok := range toks {
		for _, what := range []string{"letters", "ideographs", "blanks", "mixed"} {
			text := texts[what]
			if testing.Short() {
				text = text[:1<<15]
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			ids := tok.EncodeSpecial(text)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if took > 20*time.Second {
				t.Errorf("%s: %s: %d ids in %v", name, what, len(ids), took)
			}
			if per := (after.TotalAlloc - before.TotalAlloc) / uint64(len(text)); per > 600 {
				t.Errorf("%s: %s: %d bytes of memory for each byte of text", name, what, per)
			}
		}
	}
}
