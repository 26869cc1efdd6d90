//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// pythonFiles unpacks the files that gguf-py wrote and returns their folder.
func pythonFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	z, err := zip.OpenReader(filepath.Join("..", "..", "gguf", "testdata", "files.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	return dir
}

// refusedByAll checks that every command that takes a model refuses this one, with the
// code and one line, and writes nothing.
func refusedByAll(t *testing.T, code int, want, model string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	for _, args := range [][]string{
		{"apply", "-m", model, "-o", out, "--preset", "quick", "--quiet"},
		{"train", "-m", model, "-o", out, "--preset", "quick", "--quiet"},
		{"localize", "-m", model, "--quiet"},
		{"eval", "-m", model, "--quiet"},
		{"generate", "-m", model, "-p", "x"},
		{"quantize", "-m", model, "-o", out, "--type", "Q8_0", "--quiet"},
		{"split", "-m", model, "-o", out},
		{"merge", "-m", model, "-o", out},
		{"diff", model, model},
		{"inspect", model},
	} {
		refused(t, code, want, args...)
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestBigEndianIsRefused(t *testing.T) {
	refusedByAll(t, exitUnsupported, "big-endian", filepath.Join(pythonFiles(t), "big-endian.gguf"))
}

func TestDuplicateKeysAreRefused(t *testing.T) {
	refusedByAll(t, exitFailure, "occurs twice", filepath.Join(hostile(t), "key-duplicate.gguf"))
}

// TestProjector: a multimodal projector is shown, compared and quantized, as llama-quantize
// does it, but nothing is operated on.
func TestProjector(t *testing.T) {
	dir := pythonFiles(t)
	model, out := filepath.Join(dir, "mmproj.gguf"), filepath.Join(dir, "out.gguf")
	const want = "a multimodal projector (mmproj)"
	stdout, stderr, code := tool(t, "inspect", model)
	if code != 0 || !strings.Contains(stdout, want) || !strings.Contains(stdout, "can be edited: no") {
		t.Errorf("inspect: %d\n%s%s", code, stdout, stderr)
	}
	for _, args := range [][]string{
		{"apply", "-m", model, "-o", out, "--preset", "quick", "--quiet"},
		{"train", "-m", model, "-o", out, "--preset", "quick", "--quiet"},
		{"localize", "-m", model, "--quiet"},
		{"generate", "-m", model, "-p", "x"},
	} {
		refused(t, exitUnsupported, want, args...)
	}
	if _, stderr, code := tool(t, "quantize", "-m", model, "-o", out, "--type", "Q8_0", "--quiet"); code != 0 {
		t.Fatalf("quantize: %s", stderr)
	}
	if stdout, _, code := tool(t, "diff", model, out); code != exitCheck || !strings.Contains(stdout, "v.blk.1.ffn_down.weight  F16 -> Q8_0") {
		t.Errorf("diff: %d\n%s", code, stdout)
	}
	if _, _, code := tool(t, "diff", model, model); code != 0 {
		t.Errorf("diff with itself: %d", code)
	}
}

// TestKeysKeepTheirOrder: every command that writes a model leaves keys that it does not
// know where they are.
func TestKeysKeepTheirOrder(t *testing.T) {
	dir := pythonFiles(t)
	model := withKeysOf(t, filepath.Join("..", "..", "train", "model", "testdata", "arch", "qwen2.gguf"), filepath.Join(dir, "reserved.gguf"))
	quantized, parts, merged := filepath.Join(dir, "q.gguf"), filepath.Join(dir, "s"), filepath.Join(dir, "m.gguf")
	for _, args := range [][]string{
		{"quantize", "-m", model, "-o", quantized, "--type", "Q8_0", "--quiet"},
		{"split", "-m", model, "-o", parts, "--max-tensors", "9"},
		{"merge", "-m", parts + "-00002-of-00003.gguf", "-o", merged},
	} {
		if _, stderr, code := tool(t, args...); code != 0 {
			t.Fatalf("%v: %s", args, stderr)
		}
	}
	sameBytes(t, model, merged)
	want := keysOf(t, model)
	for name, file := range map[string]string{"quantize": quantized, "split": parts + "-00001-of-00003.gguf", "apply": operateQuickly(t, model)} {
		got := keysOf(t, file)
		if len(got) < len(want) {
			t.Fatalf("%s: %d keys, want %d at least", name, len(got), len(want))
		}
		for i, kv := range want {
			if got[i].Key != kv.Key || !got[i].Value.Equal(kv.Value) && kv.Key != "general.file_type" {
				t.Errorf("%s: key %d is %s = %v, want %s = %v", name, i, got[i].Key, got[i].Value.Any(), kv.Key, kv.Value.Any())
			}
		}
	}
}

// withKeysOf is the model with the keys of another file added after its own.
func withKeysOf(t *testing.T, model, other string) string {
	t.Helper()
	f, err := gguf.Open(model)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var e gguf.Edits
	for _, kv := range keysOf(t, other) {
		if _, ok := f.Get(kv.Key); !ok {
			e.Set = append(e.Set, kv)
		}
	}
	if len(e.Set) < 10 {
		t.Fatalf("only %d keys to add", len(e.Set))
	}
	out := filepath.Join(t.TempDir(), "keys.gguf")
	err = gguf.WriteFile(out, false, func(w io.Writer) error {
		_, err := f.WriteTo(w, e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func keysOf(t *testing.T, path string) []gguf.KV {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return f.KV
}

// measured runs the program and returns also its largest resident memory.
func measured(t *testing.T, args ...string) (stdout, stderr string, code int, resident int64) {
	t.Helper()
	c := command(t, args...)
	peak := filepath.Join(t.TempDir(), "peak")
	c.Env = append(c.Env, "DETOX_TEST_PEAK="+peak)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	_ = c.Run() // the code says it
	raw, err := os.ReadFile(peak)
	if err != nil {
		t.Fatalf("%v: no memory was reported (%v): %s", args, err, errs.String())
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(raw)
	if m == nil {
		t.Fatalf("no peak in %q", raw)
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode(), kb << 10
}

// TestMemoryOfHostileFiles: whatever a header claims, no file takes more memory than the
// program itself, the file and 64 MB.
func TestMemoryOfHostileFiles(t *testing.T) {
	_, _, _, idle := measured(t, "version")
	files, err := filepath.Glob(filepath.Join(hostile(t), "*.gguf"))
	if err != nil || len(files) < 140 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var worst int64
	for _, path := range files {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		_, stderr, code, resident := measured(t, "inspect", path)
		if code != 0 && code != exitFailure && code != exitUnsupported {
			t.Errorf("%s: exit code %d: %s", filepath.Base(path), code, stderr)
		}
		if more := resident - idle - st.Size(); more > 64<<20 {
			t.Errorf("%s: %d bytes more than the program and the file", filepath.Base(path), more)
		}
		worst = max(worst, resident-idle-st.Size())
	}
	t.Logf("the program alone: %d bytes; at most %d more than that and the file", idle, worst)
}

// TestInspectSparse: of a file of 10 GB inspect reads the header only.
func TestInspectSparse(t *testing.T) {
	path := testenv.Sparse(t)
	_, _, _, idle := measured(t, "version")
	start := time.Now()
	stdout, stderr, code, resident := measured(t, "inspect", "--tensors", path)
	took := time.Since(start)
	if code != 0 || !strings.Contains(stdout, "10737.4 MB") {
		t.Fatalf("inspect: %d\n%s%s", code, stdout, stderr)
	}
	t.Logf("%v, %d bytes more than the program alone", took, resident-idle)
	if took > 2*time.Second || resident-idle > 64<<20 {
		t.Error("that is more than 2 s or 64 MB")
	}
}

// TestReadingASplitSet: what only reads takes any file of a set for the whole model, and
// says the same of it as of the merged file; an edit that is trained on it is the same.
func TestReadingASplitSet(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join("..", "..", "train", "model", "testdata", "arch", "qwen3.gguf")
	if _, stderr, code := tool(t, "split", "-m", model, "-o", filepath.Join(dir, "s"), "--max-tensors", "10"); code != 0 {
		t.Fatalf("split: %s", stderr)
	}
	part := filepath.Join(dir, "s-00002-of-00003.gguf")
	if _, stderr, code := tool(t, "diff", model, part); code != 0 {
		t.Errorf("diff: %d %s", code, stderr)
	}
	for _, args := range [][]string{
		{"generate", "-p", "abc", "-n", "5", "-m"},
		{"localize", "--max-pairs", "4", "--quiet", "-m"},
		{"eval", "--preset", "quick", "--prompts", "2", "--greedy", "1", "--plain", "1", "--tokens", "600", "--quiet", "-m"},
		{"apply", "-o", filepath.Join(dir, "out.gguf"), "--dry-run", "-m"},
		{"inspect", "--tensors", "--keys"},
	} {
		want, stderr, code := tool(t, append(args, model)...)
		got, stderr2, code2 := tool(t, append(args, part)...)
		if code != 0 || code2 != 0 {
			t.Fatalf("%s: %d and %d: %s%s", args[0], code, code2, stderr, stderr2)
		}
		if args[0] == "inspect" {
			if !strings.Contains(got, "split into 3 files") {
				t.Errorf("inspect does not say that the model is split: %s", got)
			}
			_, want, _ = strings.Cut(want, "can be edited")
			_, got, _ = strings.Cut(got, "can be edited")
			want, got = withoutShares(want), withoutShares(got)
		}
		if args[0] == "apply" { // says the path and the size, which has three headers
			_, want, _ = strings.Cut(want, "\n")
			_, got, _ = strings.Cut(got, "\n")
		}
		if want != got || want == "" {
			t.Errorf("%s of the set:\n%s\nof the whole file:\n%s", args[0], got, want)
		}
	}
	a, b := filepath.Join(dir, "a.safetensors"), filepath.Join(dir, "b.safetensors")
	for out, m := range map[string]string{a: model, b: part} {
		_, stderr, code := tool(t, "train", "-m", m, "-o", out, "--preset", "quick", "--max-pairs", "8", "--text-windows", "1", "--quiet")
		if code != 0 {
			t.Fatalf("train: %s", stderr)
		}
	}
	sameBytes(t, a, b)
	refused(t, exitFailure, "no such file", "inspect", lonely(t, part))
}

// withoutShares leaves the shares of the file's size out, which has three headers.
func withoutShares(s string) string { return regexp.MustCompile(`\d+ %`).ReplaceAllString(s, "") }

// lonely is a copy of one file of a set in a folder of its own.
func lonely(t *testing.T, part string) string {
	t.Helper()
	raw, err := os.ReadFile(part)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(part))
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
