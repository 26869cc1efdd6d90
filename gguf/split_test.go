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

// TestOpenWhole: a set opens as the model that it was cut from.
func TestOpenWhole(t *testing.T) {
	names := writeSplit(t, filepath.Join(t.TempDir(), "m"))
	want, err := OpenWhole(splitModel)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	f, err := OpenWhole(names[2])
	if err != nil {
		t.Fatal(err)
	}
	if f.Files() != len(names) || want.Files() != 1 || f.Size() <= want.Size() || f.Path() != names[2] {
		t.Errorf("%d files of %d bytes at %s", f.Files(), f.Size(), f.Path())
	}
	sameTensors(t, want, f, nil)
	if len(f.KV) != len(want.KV) {
		t.Fatalf("%d keys, want %d", len(f.KV), len(want.KV))
	}
	for i, kv := range want.KV {
		if f.KV[i].Key != kv.Key || !f.KV[i].Value.Equal(kv.Value) {
			t.Errorf("key %d is %s, want %s", i, f.KV[i].Key, kv.Key)
		}
	}
	if n, err := f.WriteTo(io.Discard, Edits{}); err == nil || n != 0 {
		t.Errorf("a set was written as one file: %d bytes, %v", n, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// FuzzSet: two files that claim to be a set are opened or refused with an error, and what
// opens as one merges into a file that says the same.
func FuzzSet(f *testing.F) {
	dir := f.TempDir()
	whole, err := Parse(pythonFile(f, "align-64"))
	if err != nil {
		f.Fatal(err)
	}
	var seeds [2]bytes.Buffer
	for i := range seeds {
		if _, err := whole.WriteShard(&seeds[i], i, 2, 2*i, 2-i); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(seeds[0].Bytes(), seeds[1].Bytes())
	f.Add(seeds[1].Bytes(), seeds[0].Bytes())
	f.Add(seeds[0].Bytes(), seeds[0].Bytes())
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for i, raw := range [][]byte{a, b} {
			if err := os.WriteFile(filepath.Join(dir, ShardName("m", i, 2)), raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, ShardName("m", 0, 2))
		g, err := OpenWhole(path)
		if err != nil {
			return
		}
		defer g.Close()
		set, err := OpenSet(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = CloseSet(set) }()
		if len(set) == 1 {
			return
		}
		var out bytes.Buffer
		if _, err := WriteMerged(&out, set); err != nil {
			t.Fatal(err)
		}
		m, err := Parse(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		sameTensors(t, g, m, nil)
	})
}
