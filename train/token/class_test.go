package token

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode"
)

// TestClassesEqualLlama compares the classes of all characters with llama.cpp's tables of Unicode.
func TestClassesEqualLlama(t *testing.T) {
	got := map[string][]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		c := runeClass(r)
		if c != findClass(r) {
			t.Fatalf("%U is %#x in the table, want %#x", r, c, findClass(r))
		}
		for name, bit := range map[string]class{
			"letter": letter, "number": number, "mark": mark, "punct": punct, "symbolic": symbolic, "space": space,
			"control": controlling,
		} {
			if c&bit != 0 {
				got[name] = append(got[name], r)
			}
		}
		if l := unicode.ToLower(r); l != r {
			got["lower"] = append(got["lower"], r, l)
		}
		if b := baseRune(r); b != r && !unicode.Is(unicode.Cs, r) {
			got["nfd"] = append(got["nfd"], r, b)
		}
	}
	for _, line := range readLines(t, "testdata/classes.txt") {
		name, want, _ := strings.Cut(line, " ")
		var b []byte
		for _, r := range got[name] {
			b = binary.LittleEndian.AppendUint32(b, uint32(r))
		}
		sum := sha256.Sum256(b)
		if s := fmt.Sprintf("%d %x", len(got[name]), sum[:4]); s != want {
			t.Errorf("%s: %s, want %s", name, s, want)
		}
	}
}
