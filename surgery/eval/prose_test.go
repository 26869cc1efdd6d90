package eval_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

func TestReadProse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prose.txt")
	text := " = A title of six words or so = \n\n The dog @-@ like animal , he said , is n't here . It was \n too short\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := eval.ReadProse(path)
	if err != nil {
		t.Fatal(err)
	}
	// Eight words: a piece of six, then two that are left out.
	if want := []string{"The dog-like animal, he said, isn't"}; !slices.Equal(got, want) {
		t.Errorf("pieces %q, want %q", got, want)
	}
	if err := os.WriteFile(path, []byte("= t =\nshort\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := eval.ReadProse(path); err == nil {
		t.Error("a file without prose gave no error")
	}
}
