package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// The test binary doubles as the program.
func TestMain(m *testing.M) {
	if peak := os.Getenv("DETOX_TEST_PEAK"); peak != "" {
		// Of this process alone: what wait reports has its parent's peak in it.
		code := run(context.Background(), os.Args)
		status, err := os.ReadFile("/proc/self/status")
		if err != nil || os.WriteFile(peak, status, 0o600) != nil {
			code = -1
		}
		os.Exit(code)
	}
	if os.Getenv("DETOX_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, args...)
	c.Env = append(os.Environ(), "DETOX_TEST_MAIN=1")
	return c
}

// tool runs the program and returns what it printed and its exit code.
func tool(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := command(t, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// refused checks that a command ends with the code and one line on stderr.
func refused(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	_, stderr, got := tool(t, args...)
	if got != code {
		t.Errorf("%s: exit code %d, want %d (%s)", strings.Join(args, " "), got, code, strings.TrimSpace(stderr))
	}
	if n := strings.Count(stderr, "\n"); n != 1 || !strings.HasPrefix(stderr, "detox-surgery: ") || !strings.Contains(stderr, want) {
		t.Errorf("%s: want one line with %q, got %d lines: %s", strings.Join(args, " "), want, n, stderr)
	}
	if strings.Contains(stderr, "goroutine ") {
		t.Errorf("%s: the program panicked", strings.Join(args, " "))
	}
}

// hostile unpacks the catalogue of bad files and returns its folder.
func hostile(t *testing.T) string {
	t.Helper()
	return unzip(t, filepath.Join("..", "..", "gguf", "testdata", "hostile.zip"))
}

// unzip unpacks the files of an archive, without its folders, and returns where.
func unzip(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range testenv.Zip(t, path) {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUsage(t *testing.T) {
	model := testenv.Model(t, testenv.SmolLM2)
	out := filepath.Join(t.TempDir(), "out.gguf")
	refused(t, 2, "unknown command", "frobnicate")
	refused(t, 2, "not defined", "apply", "--frobnicate")
	refused(t, 2, "preset", "apply", "-m", model, "-o", out, "--preset", "instant")
	refused(t, 2, "positive", "apply", "-m", model, "-o", out, "--lr", "-1")
	refused(t, 2, "layers", "apply", "-m", model, "-o", out, "--layers", "9-3")
	refused(t, 2, "carriers", "train", "-m", model, "-o", out, "--how", "magic")
	refused(t, 2, "unknown model", "pull", "nosuch")
	refused(t, 1, "no such model file", "generate", "-m", "nosuch.gguf", "-p", "x")
	refused(t, 2, "is the input", "apply", "-m", model, "-o", model)
}

// TestHostileFiles gives every bad file of the catalogue to apply: a documented
// code, one line, nothing written.
func TestHostileFiles(t *testing.T) {
	dir := hostile(t)
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Files []struct{ File, Expect, Level string }
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, f := range index.Files {
		if f.Expect != "error" || f.Level == "container" && i%6 != 0 {
			continue
		}
		n++
		out := filepath.Join(dir, "out", f.File)
		_, stderr, code := tool(t, "apply", "-m", filepath.Join(dir, f.File), "-o", out, "--preset", "quick")
		if code != 1 && code != 3 {
			t.Errorf("%s: exit code %d: %s", f.File, code, stderr)
		}
		if strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: want one line: %s", f.File, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: an output was written", f.File)
		}
	}
	if n < 20 {
		t.Errorf("only %d hostile files were tried", n)
	}
	refused(t, 3, "nosuch", "apply", "-m", filepath.Join(dir, "model-arch-unknown.gguf"), "-o", filepath.Join(dir, "x.gguf"))
}

func TestBrokenPairs(t *testing.T) {
	model := testenv.Model(t, testenv.SmolLM2)
	dir := t.TempDir()
	bad := filepath.Join(dir, "pairs.jsonl")
	if err := os.WriteFile(bad, []byte("{\"prompt\":\"a\",\"chosen\":\" b\",\"rejected\":\" c\"}\n{\"prompt\":\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, 1, "pairs.jsonl:2", "apply", "-m", model, "-o", filepath.Join(dir, "o.gguf"), "--pairs", bad)
	refused(t, 1, "no such file", "apply", "-m", model, "-o", filepath.Join(dir, "o.gguf"), "--pairs", filepath.Join(dir, "none"))
}

// tinyTraining is a run of a few seconds on the real model.
func tinyTraining(model, out string, more ...string) []string {
	return append([]string{
		"apply", "-m", model, "-o", out, "--quiet", "--max-pairs", "8", "--batch-size", "4", "--layers", "28-29", "--lr", "0.01", "--text-windows", "0",
		"--prompts", "4", "--greedy", "2", "--plain", "2", "--tokens", "1024",
	}, more...)
}

// tinyEdit trains an edit of the real model within seconds.
func tinyEdit(t *testing.T, model string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "e.safetensors")
	_, stderr, code := tool(t, "train", "-m", model, "-o", path, "--quiet", "--max-pairs", "4", "--batch-size", "4", "--layers", "29-29",
		"--lr", "0.01", "--text-windows", "0", "--text", testenv.Data(t, "wikitext-2/valid.txt"))
	if code != 0 {
		t.Fatalf("train: %s", stderr)
	}
	return path
}

// onlyWriting applies an edit and measures next to nothing.
func onlyWriting(model, out, edit string, more ...string) []string {
	return append([]string{"apply", "-m", model, "-o", out, "--edit", edit, "--quiet", "--prompts", "0", "--greedy", "0", "--plain", "0", "--tokens", "512"}, more...)
}

// TestApplyAndRestore runs the whole operation on the real model and takes it back.
func TestApplyAndRestore(t *testing.T) {
	model := testenv.Model(t, testenv.SmolLM2)
	dir := t.TempDir()
	out, back := filepath.Join(dir, "out.gguf"), filepath.Join(dir, "back.gguf")
	stdout, stderr, code := tool(t, tinyTraining(model, out, "--save-edit", filepath.Join(dir, "e.safetensors"))...)
	if code != 0 || !strings.Contains(stdout, "written file") {
		t.Fatalf("apply: code %d\n%s%s", code, stdout, stderr)
	}
	for _, f := range []string{"report.html", "report.json", "out.gguf.undo"} {
		if st, err := os.Stat(filepath.Join(dir, f)); err != nil || st.Size() == 0 {
			t.Errorf("%s is missing or empty", f)
		}
	}
	if _, _, code = tool(t, "diff", model, out); code != 4 {
		t.Errorf("diff of parent and output: code %d, want 4", code)
	}
	refused(t, 1, "exists", tinyTraining(model, out)...)
	again := filepath.Join(dir, "again.gguf")
	if _, stderr, code = tool(t, tinyTraining(model, again, "--edit", filepath.Join(dir, "e.safetensors"), "--report", t.TempDir())...); code != 0 {
		t.Fatalf("apply --edit: %s", stderr)
	}
	if _, _, code = tool(t, "diff", out, again); code != 0 {
		t.Errorf("the saved edit writes another file: diff exits with %d", code)
	}
	if _, stderr, code = tool(t, "restore", "-m", out, "-o", back); code != 0 {
		t.Fatalf("restore: %s", stderr)
	}
	a, errA := os.ReadFile(model)
	b, errB := os.ReadFile(back)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Error("restore does not give the parent back")
	}
}

// TestInterrupt: an interrupted training ends with 130, leaves a checkpoint and no
// output.
func TestInterrupt(t *testing.T) {
	model := testenv.Model(t, testenv.SmolLM2)
	dir := t.TempDir()
	edit, ckpt := filepath.Join(dir, "e.safetensors"), filepath.Join(dir, "run.ckpt")
	c := command(t, "train", "-m", model, "-o", edit, "--max-pairs", "64", "--batch-size", "4", "--layers", "29-29", "--text-windows", "0", "--epochs", "200", "--resume", ckpt)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
	defer stop()
	var seen bytes.Buffer
	buf := make([]byte, 4096)
	for !strings.Contains(seen.String(), "training:") {
		n, err := stderr.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			t.Fatalf("training never started: %s", seen.String())
		}
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stderr) // ends when the program does
	_ = c.Wait()                       // the exit code is looked at below
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	if _, err := os.Stat(edit); err == nil {
		t.Error("an interrupted training wrote an edit")
	}
	if _, err := os.Stat(ckpt); err != nil {
		t.Error("no checkpoint was left")
	}
}

func TestReaders(t *testing.T) {
	model := testenv.Model(t, testenv.SmolLM2)
	for _, args := range [][]string{
		{"inspect", model},
		{"inspect", "--json", "--tensors", model},
		{"version"},
		{"diff", model, model},
		{"generate", "-m", model, "-p", "The capital of France is", "-n", "4"},
		{"generate", "-m", model, "-p", "The capital of France is", "-n", "4", "--int8"},
		{"apply", "-m", model, "-o", filepath.Join(t.TempDir(), "o.gguf"), "--dry-run"},
	} {
		stdout, stderr, code := tool(t, args...)
		if code != 0 || stdout == "" {
			t.Errorf("%s: code %d, %q, %s", strings.Join(args, " "), code, stdout, stderr)
		}
	}
}
