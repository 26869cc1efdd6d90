package hf

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRealTokenizersEqualTokenizers compares whole tokenizers that testdata/real.py has saved.
func TestRealTokenizersEqualTokenizers(t *testing.T) {
	root := os.Getenv("DETOX_TOKENIZERS")
	if root == "" {
		t.Skip("DETOX_TOKENIZERS names no folder of tokenizers that testdata/real.py has written")
	}
	var texts []string
	readJSONFile(t, filepath.Join(root, "texts.json"), &texts)
	all, err := filepath.Glob(filepath.Join(root, "*", "ids.json"))
	if err != nil || len(all) == 0 {
		t.Fatalf("no tokenizers in %s", root)
	}
	for _, path := range all {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			var want map[string][][]int32
			readJSONFile(t, path, &want)
			tok, err := Open(filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			var plain, special, full [][]int32
			for _, s := range texts {
				plain, special = append(plain, tok.Encode(s)), append(special, tok.EncodeSpecial(s))
				full = append(full, tok.Frame(tok.EncodeSpecial(s)))
			}
			compare(t, "plain", texts, plain, sums(want["plain"]), want["plain"])
			compare(t, "special", texts, special, sums(want["special"]), want["special"])
			compare(t, "full", texts, full, sums(want["full"]), want["full"])
		})
	}
}
