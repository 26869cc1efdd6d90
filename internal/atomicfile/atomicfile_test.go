package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := want[e.Name()]; !ok {
			t.Errorf("%s is left behind", e.Name())
		}
	}
	for name, text := range want {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != text {
			t.Errorf("%s holds %q, want %q (%v)", name, b, text, err)
		}
	}
}

func create(t *testing.T, path string, force bool, text string) *File {
	t.Helper()
	f, err := Create(path, force)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Discard)
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPlaceTogether(t *testing.T) {
	dir := t.TempDir()
	data, model := filepath.Join(dir, "data"), filepath.Join(dir, "model")
	put(t, data, "old data")
	put(t, model, "old model")
	if err := Place(create(t, data, true, "new data"), create(t, model, true, "new model")); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, map[string]string{"data": "new data", "model": "new model"})
}

// TestPlaceFails: the last file cannot be placed, so the first gets its old
// content back and a name that was free is free again.
func TestPlaceFails(t *testing.T) {
	dir := t.TempDir()
	data, fresh, model := filepath.Join(dir, "data"), filepath.Join(dir, "fresh"), filepath.Join(dir, "model")
	put(t, data, "old data")
	a, b, c := create(t, data, true, "new data"), create(t, fresh, false, "new"), create(t, model, false, "new model")
	put(t, model, "someone else's")
	if err := Place(a, b, c); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("got %v, want fs.ErrExist", err)
	}
	c.Discard()
	holds(t, dir, map[string]string{"data": "old data", "model": "someone else's"})
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f"), "x")
	if _, err := Create(filepath.Join(dir, "f"), false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("existing file: %v", err)
	}
	if err := os.Symlink("f", filepath.Join(dir, "l")); err != nil {
		t.Skip("no symlinks here")
	}
	if _, err := Create(filepath.Join(dir, "l"), true); err == nil {
		t.Error("a symlink was accepted")
	}
	holds(t, dir, map[string]string{"f": "x", "l": "x"})
}
