//go:build !purego

package simd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// evexBytes encodes a 512-bit EVEX instruction of map 0F38 bit by bit, as the
// manual lists the fields: the independent copy of the macros.
func evexBytes(prefix string, opcode byte, m, v, d int) []byte {
	bit := func(x, i int) string { return fmt.Sprint(^x >> i & 1) } // inverted
	p0 := bit(d, 3) + bit(m, 4) + bit(m, 3) + bit(d, 4) + "0" + "010"
	p1 := "0" + bit(v, 3) + bit(v, 2) + bit(v, 1) + bit(v, 0) + "1" + map[string]string{"f3": "10", "f2": "11"}[prefix]
	p2 := "0" + "10" + "0" + bit(v, 4) + "000"
	modrm := "11" + fmt.Sprintf("%03b%03b", d&7, m&7)
	out := []byte{0x62}
	for _, b := range []string{p0, p1, p2, fmt.Sprintf("%08b", opcode), modrm} {
		var x byte
		_, _ = fmt.Sscanf(b, "%b", &x)
		out = append(out, x)
	}
	return out
}

// TestEvexMacros assembles every macro with every register in each place.
func TestEvexMacros(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the assembler")
	}
	gotool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool")
	}
	header, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	var source strings.Builder
	source.WriteString("#include \"evex_amd64.h\"\nTEXT ·all(SB), 4, $0-0\n")
	for i := range 32 {
		m, v, d := i, (i*11+7)%32, (i*5+19)%32
		fmt.Fprintf(&source, "VDPBF16PS(%d, %d, %d)\nVCVTNE2PS2BF16(%d, %d, %d)\n", m, v, d, m, v, d)
		want = append(want, evexBytes("f3", 0x52, m, v, d)...)
		want = append(want, evexBytes("f2", 0x72, m, v, d)...)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "all_amd64.s"), []byte(source.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(gotool, "tool", "asm", "-p", "all", "-I", header, "-o", filepath.Join(dir, "all.o"), filepath.Join(dir, "all_amd64.s"))
	cmd.Env = append(os.Environ(), "GOARCH="+runtime.GOARCH)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "all.o"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(got, want) {
		t.Errorf("the macros do not give the bytes % x ...", want[:12])
	}
	// Known bytes, from GNU as.
	if known := []byte{0x62, 0x92, 0x36, 0x40, 0x52, 0xc0}; !bytes.Equal(evexBytes("f3", 0x52, 24, 25, 0), known) {
		t.Errorf("VDPBF16PS Z24, Z25, Z0 is % x", evexBytes("f3", 0x52, 24, 25, 0))
	}
}
