package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// MinimalPair is an acceptable sentence and an unacceptable one that differ little.
type MinimalPair struct {
	Paradigm string `json:"paradigm"`
	Good     string `json:"good"`
	Bad      string `json:"bad"`
}

// BLiMPResult is the share of pairs whose good sentence has the higher summed
// log-probability (Warstadt et al., TACL 8, 2020).
type BLiMPResult struct {
	Accuracy  Interval           `json:"accuracy"`
	Paradigms map[string]float64 `json:"paradigms,omitempty"`
	Right     []float64          `json:"-"` // 1 or 0 per pair
}

// ReadMinimalPairs reads a jsonl file of MinimalPair; limit 0 reads all, else every
// paradigm contributes its first pairs until there are about limit in all.
func ReadMinimalPairs(path string, limit int) ([]MinimalPair, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("eval: blimp: %w", err)
	}
	var pairs []MinimalPair
	sc := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; sc.Scan(); n++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var p MinimalPair
		if err := json.Unmarshal(sc.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("eval: blimp: %s:%d: %w", path, n, err)
		}
		if p.Good == "" || p.Bad == "" {
			return nil, fmt.Errorf("eval: blimp: %s:%d: good or bad is missing", path, n)
		}
		pairs = append(pairs, p)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("eval: blimp: %s: %w", path, err)
	}
	return spread(pairs, limit), nil
}

// spread takes the same number of pairs of every paradigm.
func spread(pairs []MinimalPair, limit int) []MinimalPair {
	if limit <= 0 || limit >= len(pairs) {
		return pairs
	}
	count := map[string]int{}
	for _, p := range pairs {
		count[p.Paradigm]++
	}
	each := max(1, limit/len(count))
	clear(count)
	var out []MinimalPair
	for _, p := range pairs {
		if count[p.Paradigm]++; count[p.Paradigm] <= each {
			out = append(out, p)
		}
	}
	return out
}

// BLiMP scores pairs; ties count as wrong.
func BLiMP(m LM, pairs []MinimalPair, p Progress) (*BLiMPResult, error) {
	if len(pairs) == 0 {
		return nil, fmt.Errorf("eval: blimp: no pairs")
	}
	tok := m.Tokens()
	start := tok.TextStart()
	seqs, from := make([][]int32, 0, 2*len(pairs)), make([]int, 0, 2*len(pairs))
	for i, pair := range pairs {
		for _, s := range []string{pair.Good, pair.Bad} {
			ids := concat(start, tok.Encode(s))
			if len(ids) < 2 {
				return nil, fmt.Errorf("eval: blimp: pair %d: a sentence of %d tokens", i+1, len(ids))
			}
			seqs, from = append(seqs, ids), append(from, max(1, len(start)))
		}
	}
	lp, err := score(m, seqs, from, p)
	if err != nil {
		return nil, err
	}
	r := &BLiMPResult{Right: make([]float64, len(pairs)), Paradigms: map[string]float64{}}
	count := map[string]float64{}
	for i, pair := range pairs {
		if sum(lp[2*i]) > sum(lp[2*i+1]) {
			r.Right[i] = 1
		}
		count[pair.Paradigm]++
		r.Paradigms[pair.Paradigm] += r.Right[i]
	}
	for k, n := range count {
		r.Paradigms[k] /= n
	}
	r.Accuracy = Bootstrap(r.Right)
	return r, nil
}
