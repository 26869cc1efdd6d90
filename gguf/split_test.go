package gguf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// splitModel has 30 tensors.
var splitModel = filepath.Join("..", "train", "model", "testdata", "arch", "llama.gguf")

// goldenShards are the files of llama-gguf-split --split --split-max-tensors 8 (llama.cpp of
// llama-cpp-python 0.3.36) on splitModel.
var goldenShards = []string{
	"5eab5d2a434a211bacff1bb692f0ae9cf7e906d86654c4509bec9b44592648e6",
	"6eacf12c7b25fb2e9cbfc6f22b8ef56e1d50b2132ac5ab9de1aa3ef292cb0203",
	"5244ff5cfe38290247e894de9e8e6085ce070a84b044c9efa18014620530bf09",
	"a73d6094db52b0c0ea511bcf84ccea078070253458e54b8043737da3be383d4c",
}

func writeSplit(t *testing.T, prefix string) []string {
	t.Helper()
	f, err := Open(splitModel)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	runs := f.Cut(8, 0)
	var names []string
	from := 0
	for i, n := range runs {
		name := ShardName(prefix, i, len(runs))
		err := WriteFile(name, false, func(w io.Writer) error {
			_, err := f.WriteShard(w, i, len(runs), from, n)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		names, from = append(names, name), from+n
	}
	return names
}

func TestSplitAsLlamaCpp(t *testing.T) {
	names := writeSplit(t, filepath.Join(t.TempDir(), "m"))
	if len(names) != len(goldenShards) {
		t.Fatalf("%d files, want %d", len(names), len(goldenShards))
	}
	for i, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != goldenShards[i] {
			t.Errorf("%s differs from what llama-gguf-split writes", filepath.Base(name))
		}
	}
}

func TestMergeIsTheInverseOfSplit(t *testing.T) {
	names := writeSplit(t, filepath.Join(t.TempDir(), "m"))
	want, err := os.ReadFile(splitModel)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		set, err := OpenSet(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := WriteMerged(&b, set); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("merged from %s: not the file that was split", filepath.Base(name))
		}
		if err := CloseSet(set); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCutBySize(t *testing.T) {
	f, err := Open(splitModel)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, most := range []int64{1, 10000, 20000, 1 << 40} {
		sum := 0
		at := 0
		for _, n := range f.Cut(0, most) {
			var size int64
			for _, x := range f.Tensors[at : at+n] {
				size += padded(x.Size, f.Alignment)
			}
			if n > 1 && size > most {
				t.Errorf("%d tensors of %d bytes in a file of at most %d", n, size, most)
			}
			sum, at = sum+n, at+n
		}
		if sum != len(f.Tensors) {
			t.Errorf("%d of %d tensors", sum, len(f.Tensors))
		}
	}
}

func TestOpenSetRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		spoil      func(names []string) error
	}{
		{"a file missing", "no such file", func(n []string) error { return os.Remove(n[2]) }},
		{"two exchanged", "do not say part 1", func(n []string) error { return os.Rename(n[2], n[1]) }},
		{"renamed", "is not named so", func(n []string) error { return os.Rename(n[0], filepath.Join(filepath.Dir(n[0]), "x.gguf")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			names := writeSplit(t, filepath.Join(t.TempDir(), "m"))
			if err := c.spoil(names); err != nil {
				t.Fatal(err)
			}
			open := names[3]
			if c.name == "renamed" {
				open = filepath.Join(filepath.Dir(names[0]), "x.gguf")
			}
			if _, err := OpenSet(open); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"500M": 500e6, "2G": 2e9, "0M": 0, "5": 0, "": 0, "M": 0, "-1G": 0, "99999999999G": 0} {
		got, err := ParseSize(s)
		if (err == nil) != (want > 0) || got != want {
			t.Errorf("%q: %d, %v", s, got, err)
		}
	}
}
