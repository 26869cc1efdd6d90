package hub

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func wheel(t *testing.T, dir, name, member, content string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	z := zip.NewWriter(f)
	w, err := z.Create(member)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJoin(t *testing.T) {
	dir := t.TempDir()
	wheel(t, dir, "one-1.0-py3.whl", "a/part0", "first ")
	wheel(t, dir, "two-1.0-py3.whl", "b/part1", "second")
	parts := []Part{{"one-1.0", "a/part0"}, {"two-1.0", "b/part1"}}
	sum := sha256.Sum256([]byte("first second"))
	out := filepath.Join(dir, "model.gguf")
	if err := join(dir, out, parts, hex.EncodeToString(sum[:])); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(out); string(got) != "first second" {
		t.Errorf("joined %q", got)
	}
	other := filepath.Join(dir, "other.gguf")
	if err := join(dir, other, parts, strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), "sha256") {
		t.Errorf("a wrong sum gives %v", err)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a file with a wrong sum was left")
	}
	if err := join(dir, other, []Part{{"three", "x"}}, ""); err == nil {
		t.Error("a missing wheel was accepted")
	}
}

func TestUnknownName(t *testing.T) {
	if _, err := Pull(t.Context(), "nosuch", t.TempDir(), "python3", nil); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown name: %v", err)
	}
}

func TestFailingPipLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Pull(t.Context(), "smollm2-135m", dir, "false", nil); err == nil {
		t.Fatal("an interpreter that fails was accepted")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%d entries left behind", len(left))
	}
}
