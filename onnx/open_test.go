package onnx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// externalModel is a model with one tensor of 4 bytes in an external file.
func externalModel(location, offset string) []byte {
	return modelBytes(external(text(8, "w"), entry(13, "location", location), entry(13, "offset", offset)))
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("no symlinks here: %v", err)
	}
}

// TestExternalFiles: which files a model may refer to.
func TestExternalFiles(t *testing.T) {
	for _, c := range []struct {
		name     string
		location string
		offset   string
		prepare  func(t *testing.T, dir, outside string)
		text     string // empty: the data is read
	}{
		{"beside", "d", "0", func(t *testing.T, dir, _ string) { t.Helper(); put(t, dir+"/d", []byte("weights")) }, ""},
		{"below", "a/b/d", "3", func(t *testing.T, dir, _ string) { t.Helper(); put(t, dir+"/a/b/d", []byte("weights")) }, ""},
		{"missing", "d", "0", func(*testing.T, string, string) {}, "no such file"},
		{"past the end", "d", "4", func(t *testing.T, dir, _ string) { t.Helper(); put(t, dir+"/d", []byte("weights")) }, "4 bytes of external data at 4, the file has 7"},
		{"far past the end", "d", "4611686018427387904", func(t *testing.T, dir, _ string) { t.Helper(); put(t, dir+"/d", []byte("weights")) }, "the file has 7"},
		{"empty file", "d", "0", func(t *testing.T, dir, _ string) { t.Helper(); put(t, dir+"/d", nil) }, "the file has 0"},
		{"folder", "d", "0", func(t *testing.T, dir, _ string) { t.Helper(); put(t, dir+"/d/x", nil) }, "not a regular file"},
		{"link inside", "d", "0", func(t *testing.T, dir, _ string) {
			t.Helper()
			put(t, dir+"/a/e", []byte("weights"))
			link(t, "a/e", dir+"/d")
		}, ""},
		{"link outside", "d", "0", func(t *testing.T, dir, outside string) {
			t.Helper()
			put(t, outside+"/e", []byte("secrets"))
			link(t, outside+"/e", dir+"/d")
		}, "leaves the model's folder"},
		{"relative link outside", "d", "0", func(t *testing.T, dir, outside string) {
			t.Helper()
			put(t, outside+"/e", []byte("secrets"))
			link(t, "../"+filepath.Base(outside)+"/e", dir+"/d")
		}, "leaves the model's folder"},
		{"folder link outside", "a/e", "0", func(t *testing.T, dir, outside string) {
			t.Helper()
			put(t, outside+"/e", []byte("secrets"))
			link(t, outside, dir+"/a")
		}, "leaves the model's folder"},
		{"link to a link outside", "d", "0", func(t *testing.T, dir, outside string) {
			t.Helper()
			put(t, outside+"/e", []byte("secrets"))
			link(t, outside+"/e", dir+"/c")
			link(t, "c", dir+"/d")
		}, "leaves the model's folder"},
		{"link to nothing", "d", "0", func(t *testing.T, dir, _ string) { t.Helper(); link(t, "none", dir+"/d") }, "no such file"},
		{"link circle", "d", "0", func(t *testing.T, dir, _ string) { t.Helper(); link(t, "d", dir+"/d") }, "too many links"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := t.TempDir()
			dir, outside := filepath.Join(base, "model"), filepath.Join(base, "outside")
			path := filepath.Join(dir, "m.onnx")
			put(t, path, externalModel(c.location, c.offset))
			c.prepare(t, dir, outside)
			m, err := Open(path)
			if c.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = m.Close() }()
				if raw := rawOf(t, m.Tensors[0]); !strings.Contains("weights", string(raw)) || len(raw) != 4 {
					t.Errorf("elements %q", raw)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), "graph.initializer[0]") {
				t.Errorf("got %v, want %q", err, c.text)
			}
			if errors.Is(err, fs.ErrNotExist) != (c.text == "no such file") {
				t.Errorf("%v: not existing?", err)
			}
			if g, err := OpenGraph(path); err != nil || len(g.Tensors) != 1 {
				t.Errorf("without data: %v", err)
			} else if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDownloadCache: a model that is a symlink may have its data where it lies.
func TestDownloadCache(t *testing.T) {
	base := t.TempDir()
	put(t, filepath.Join(base, "blobs", "1111"), externalModel("m.onnx_data", "0"))
	put(t, filepath.Join(base, "blobs", "2222"), []byte("weights"))
	put(t, filepath.Join(base, "secret"), []byte("secrets"))
	dir := filepath.Join(base, "snapshots", "abc")
	link(t, "../../blobs/1111", filepath.Join(dir, "m.onnx"))
	link(t, "../../blobs/2222", filepath.Join(dir, "m.onnx_data"))
	m := opened(t, filepath.Join(dir, "m.onnx"))
	if raw := rawOf(t, m.Tensors[0]); string(raw) != "weig" {
		t.Errorf("elements %q", raw)
	}
	w, err := m.WriteFile(filepath.Join(dir, "edited.onnx"), false, Edits{Data: map[*Tensor][]byte{m.Tensors[0]: []byte("edit")}})
	if err != nil || w.Files[1].Location != "edited.onnx_data" || string(get(t, filepath.Join(base, "blobs", "2222"))) != "weights" {
		t.Errorf("%+v, %v", w, err)
	}
	if err := os.Remove(filepath.Join(dir, "m.onnx_data")); err != nil {
		t.Fatal(err)
	}
	link(t, "../../secret", filepath.Join(dir, "m.onnx_data"))
	if _, err := Open(filepath.Join(dir, "m.onnx")); !errors.Is(err, ErrFormat) {
		t.Errorf("a link elsewhere: %v", err)
	}
}

func TestOpenOddPaths(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "empty"), nil)
	for _, name := range []string{"empty", "."} {
		if _, err := Open(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	bad := filepath.Join(dir, "bad.onnx")
	put(t, bad, append(modelBytes(), 2<<3|2, 100))
	if _, err := Open(bad); err == nil || !strings.Contains(err.Error(), bad) {
		t.Errorf("the message lacks the file: %v", err)
	}
}

// TestLargeExternal: data beyond 4 GiB is mapped, not read.
func TestLargeExternal(t *testing.T) {
	if strconv.IntSize < 64 {
		t.Skip("more than this machine can map")
	}
	dir := t.TempDir()
	const at = int64(5 << 30)
	put(t, filepath.Join(dir, "m.onnx"), externalModel("d", strconv.FormatInt(at, 10)))
	f, err := os.Create(filepath.Join(dir, "d"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("weig"), at); err != nil { // a file with a hole
		t.Skipf("no such large files here: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	m := opened(t, filepath.Join(dir, "m.onnx"))
	if raw := rawOf(t, m.Tensors[0]); string(raw) != "weig" {
		t.Errorf("elements %q", raw)
	}
	w, err := m.WriteFile(filepath.Join(dir, "out.onnx"), false, Edits{})
	if err != nil || !w.Files[1].Kept || w.Files[1].Size != at+4 {
		t.Errorf("%+v, %v", w, err)
	}
}
