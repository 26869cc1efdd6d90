//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

func hashOf(t *testing.T, path string) [32]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}

// TestFullDisk writes to a file system of 1 MB: one line, code 1, nothing left.
func TestFullDisk(t *testing.T) {
	model := testenv.Model(t, testenv.SmolLM2)
	edit := tinyEdit(t, model)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("cannot mount a small file system here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	out := filepath.Join(disk, "out.gguf")
	refused(t, 1, "no space left", onlyWriting(model, out, edit, "--report", t.TempDir())...)
	left, err := os.ReadDir(disk)
	if err != nil || len(left) != 0 {
		t.Errorf("left on the full disk: %v (%v)", left, err)
	}
}

// TestKilledWriting kills the program while it writes over an earlier output: the
// input and the earlier output stay what they were, and the next run succeeds.
func TestKilledWriting(t *testing.T) {
	model := testenv.Model(t, testenv.SmolLM2)
	edit := tinyEdit(t, model)
	before := hashOf(t, model)
	dir := t.TempDir()
	out := filepath.Join(dir, "out.gguf")
	earlier := []byte("an earlier output")
	if err := os.WriteFile(out, earlier, 0o600); err != nil {
		t.Fatal(err)
	}
	c := command(t, onlyWriting(model, out, edit, "--force", "--report", t.TempDir())...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if !waitForPartial(dir, time.Minute) {
		_ = c.Process.Kill()
		t.Fatalf("no temporary file was seen: %s", stderr.String())
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // killed
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, earlier) {
		t.Errorf("the earlier output changed (%d bytes, %v)", len(got), err)
	}
	if hashOf(t, model) != before {
		t.Error("the input changed")
	}
	if _, errs, code := tool(t, onlyWriting(model, out, edit, "--force", "--report", t.TempDir())...); code != 0 {
		t.Errorf("the run after it: code %d, %s", code, errs)
	}
}

// waitForPartial waits until a temporary file with a part of the output is there.
func waitForPartial(dir string, limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		files, err := os.ReadDir(dir)
		if err != nil {
			return false
		}
		for _, f := range files {
			if st, err := f.Info(); err == nil && strings.Contains(f.Name(), ".tmp") && st.Size() > 0 {
				return true
			}
		}
	}
	return false
}
