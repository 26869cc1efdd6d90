package model_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/train/model"
)

func TestZZ(t *testing.T) {
	for _, name := range []string{"smollm2"} {
		m := open(t, name)
		f, _ := os.Open(testenv.Data(t, "paradetox/primed-prompts.jsonl"))
		sc := bufio.NewScanner(f)
		var ps [][]int32
		n := 0
		for sc.Scan() && len(ps) < 400 {
			var r struct{ Prompt string }
			json.Unmarshal(sc.Bytes(), &r)
			ids := append(m.Tokenizer().TextStart(), m.Tokenizer().Encode(r.Prompt)...)
			ps = append(ps, ids)
			n += len(ids)
		}
		for _, b := range []int{64} {
			s := time.Now()
			out := model.Generate(m, ps, model.GenOptions{MaxNew: 20, Sample: true, TopP: 0.9, Seed: 1, Batch: b})
			k := 0
			for _, o := range out {
				k += len(o)
			}
			d := time.Since(s)
			t.Logf("%s batch %d: %d prompts, %d prompt tokens, %d new, %v: %.0f tok/s total, %.0f new/s", name, b, len(ps), n, k, d, float64(n+k)/d.Seconds(), float64(k)/d.Seconds())
		}
	}
}
