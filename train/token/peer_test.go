package token

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// llamaTokenize returns the path of llama.cpp's tool, from the folder DETOX_LLAMA_BIN or else from PATH.
func llamaTokenize(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("DETOX_LLAMA_BIN"); dir != "" {
		return filepath.Join(dir, "llama-tokenize")
	}
	path, err := exec.LookPath("llama-tokenize")
	if err != nil {
		t.Skip("no llama-tokenize (DETOX_LLAMA_BIN names its folder)")
	}
	return path
}

// writeKeys writes a GGUF file that has keys but no tensors.
func writeKeys(t *testing.T, k keys) string {
	t.Helper()
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	str := func(s string) { put(uint64(len(s))); b.WriteString(s) }
	b.WriteString("GGUF")
	put(uint32(3))
	put(uint64(0))
	put(uint64(len(k)))
	for _, name := range slices.Sorted(maps.Keys(k)) {
		str(name)
		switch v := k[name].(type) {
		case string:
			put(uint32(8))
			str(v)
		case uint64:
			put(uint32(4))
			put(uint32(v))
		case []string:
			put([]uint32{9, 8})
			put(uint64(len(v)))
			for _, s := range v {
				str(s)
			}
		case []int32:
			put([]uint32{9, 5})
			put(uint64(len(v)))
			put(v)
		default:
			t.Fatalf("%s is a %T", name, v)
		}
	}
	path := filepath.Join(t.TempDir(), "v.gguf")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPreTokenizersEqualPeer compares every chain of splitters with llama-tokenize on texts that are new each time.
func TestPreTokenizersEqualPeer(t *testing.T) {
	if testing.Short() {
		t.Skip("a second for each pre-tokenizer")
	}
	tool := llamaTokenize(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var pool []string // pieces of the hard texts, put together anew
	for _, s := range hardTexts(t) {
		for i := range s {
			if len(s)-i > 0 && r.IntN(3) == 0 {
				pool = append(pool, string([]rune(s[i:])[:1+r.IntN(min(6, len([]rune(s[i:]))))]))
			}
		}
	}
	var b strings.Builder
	for b.Len() < 12_000 {
		b.WriteString(strings.ReplaceAll(pool[r.IntN(len(pool))], "\x00", ""))
	}
	text := b.String()
	done := map[*splitter]bool{}
	for _, name := range slices.Sorted(maps.Keys(preTokenizers)) {
		if split := preTokenizers[name].split; done[&split[0]] || slices.Contains(unlisted, name) {
			continue
		} else {
			done[&split[0]] = true
		}
		k := denseVocab(name)
		k[keyArch] = "llama"
		cmd := exec.Command(tool, "-m", writeKeys(t, k), "--ids", "--no-bos", "--no-parse-special", "--no-escape", "--stdin")
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Dir(tool))
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var want []int32
		if err := json.Unmarshal(out, &want); err != nil {
			t.Errorf("%s: %v: %.100q", name, err, out)
			continue
		}
		tok := denseTokenizer(t, name)
		got := tok.Encode(text)
		if !slices.Equal(got, want) {
			n := 0
			for n < min(len(got), len(want)) && got[n] == want[n] {
				n++
			}
			t.Errorf("%s: different after %d ids and the text %q", name, n, tok.Decode(got[max(0, n-8):n]))
		}
	}
}
