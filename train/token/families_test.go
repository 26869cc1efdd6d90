package token

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
)

// familyFile is testdata/families.json.
type familyFile struct {
	More     []string `json:"more"`
	Families []struct {
		Name  string         `json:"name"`
		Keys  map[string]any `json:"keys"`
		Plain string         `json:"plain"`
		Full  string         `json:"full"`
		Back  string         `json:"back"`
		Ends  []int32        `json:"ends"`
	} `json:"families"`
}

func readFamilies(tb testing.TB) familyFile {
	tb.Helper()
	raw, err := os.ReadFile("testdata/families.json")
	if err != nil {
		tb.Fatal(err)
	}
	var f familyFile
	if err := json.Unmarshal(raw, &f); err != nil {
		tb.Fatal(err)
	}
	return f
}

// typed gives values read from JSON the types that a file has.
func typed(in map[string]any) keys {
	out := keys{}
	for k, v := range in {
		switch v := v.(type) {
		case float64:
			out[k] = uint64(v)
		case []any:
			out[k] = typedArray(k, v)
		default:
			out[k] = v
		}
	}
	return out
}

func typedArray(key string, v []any) any {
	switch key {
	case keyTokens, keyMerges:
		out := make([]string, len(v))
		for i := range v {
			out[i] = v[i].(string)
		}
		return out
	case keyScores:
		out := make([]float32, len(v))
		for i := range v {
			out[i] = float32(v[i].(float64))
		}
		return out
	}
	out := make([]int32, len(v))
	for i := range v {
		out[i] = int32(v[i].(float64))
	}
	return out
}

func TestFamiliesEqualLlama(t *testing.T) {
	file := readFamilies(t)
	texts := append(hardTexts(t), file.More...)
	seen := map[string]bool{"gpt2": true, preGemma4: true, "whitespace": true} // those of pretoken.txt
	for _, fam := range file.Families {
		t.Run(fam.Name, func(t *testing.T) {
			seen[fam.Keys[keyModel].(string)] = true
			tok := mustNew(t, typed(fam.Keys))
			var plain, full [][]int32
			back := ""
			for i, s := range texts {
				plain = append(plain, tok.Encode(s))
				full = append(full, tok.Frame(tok.EncodeSpecial(s)))
				if i > 0 {
					back += "\x00"
				}
				for _, id := range plain[i] {
					back += tok.Piece(id)
				}
			}
			if got := sums(plain); got != fam.Plain {
				t.Errorf("plain: %s, want %s", got, fam.Plain)
			}
			if got := sums(full); got != fam.Full {
				t.Errorf("full: %s, want %s", got, fam.Full)
			}
			sum := sha256.Sum256([]byte(back))
			if got := fmt.Sprintf("%x", sum[:4]); got != fam.Back {
				t.Errorf("the text of the ids: sum %s, want %s", got, fam.Back)
			}
			if !slices.Equal(tok.EOS(), fam.Ends) {
				t.Errorf("ends %v, want %v", tok.EOS(), fam.Ends)
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !seen[name] {
			t.Errorf("no golden vocabulary of model %s", name)
		}
	}
}
