//go:build !purego

package simd_test

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var (
	symbolLine = regexp.MustCompile(`^[0-9a-f]+ <(.*)>:$`)
	codeLine   = regexp.MustCompile(`^\s*[0-9a-f]+:\s+((?:[0-9a-f]{2} )+)\s*(.*)$`)
)

// avx2Alone tells whether a function must run without AVX-512: those of the AVX2 tier,
// by name or, where kernels of several tiers share a name's form, by shape.
func avx2Alone(symbol string) bool {
	name, ok := strings.CutPrefix(symbol, "github.com/detox-surgery/detox-surgery/simd.")
	name = strings.TrimSuffix(name, ".abi0")
	return ok && (strings.HasSuffix(name, "AVX2") || strings.HasSuffix(name, "x16") || strings.HasPrefix(name, "copyRows") || name == "transpose8")
}

// TestNoEVEXInAVX2 reads the assembled functions back: the Go assembler takes an EVEX
// encoding without a word where an instruction or a register needs one.
func TestNoEVEXInAVX2(t *testing.T) {
	tool, err := exec.LookPath("objdump")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("objdump is needed (Debian: binutils)")
		}
		t.Skip("objdump is not here (Debian: binutils)")
	}
	// The binary of a test that go test itself runs has no symbols.
	bin := t.TempDir() + "/simd.test"
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), tool, "-d", "-w", bin)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	functions, instructions, wide := 0, 0, 0
	symbol, audited := "", false
	in := bufio.NewScanner(out)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if m := symbolLine.FindStringSubmatch(in.Text()); m != nil {
			symbol, audited = m[1], avx2Alone(m[1])
			if audited {
				functions++
			}
			continue
		}
		m := codeLine.FindStringSubmatch(in.Text())
		if m == nil || !strings.HasPrefix(m[1], "62 ") {
			if audited && m != nil {
				instructions++
			}
			continue
		}
		wide++
		if audited {
			t.Errorf("%s: %s", symbol, m[2])
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if functions < 50 || instructions < 5000 || wide < 1000 {
		t.Errorf("%d functions of %d instructions, %d with EVEX elsewhere: the disassembly was not understood", functions, instructions, wide)
	}
}
