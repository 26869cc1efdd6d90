package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFallen(t *testing.T) {
	kept := map[string]float64{"gemm": 0.9, "maps": 0.8, "decode": 0.3, "gone": 0.5}
	now := map[string]float64{"gemm": 0.84, "maps": 0.743, "decode": 0.4, "new": 0.1}
	got := fallen(kept, now)
	if len(got) != 2 || !strings.HasPrefix(got[0], "gone: not measured") || got[1] != "maps: 74.3 %, was 80.0 % (7 % less)" {
		t.Errorf("%q", got)
	}
	if got := fallen(kept, kept); len(got) != 0 {
		t.Errorf("no change: %q", got)
	}
}

// TestCheckRefuses: without figures to compare with a check must not pass.
func TestCheckRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	for _, r := range []*results{nil, {Schema: schema, CPU: "another"}, {Schema: schema, CPU: cpuName()}, {Schema: schema + 1, CPU: cpuName()}} {
		if r != nil {
			if err := r.save(path, true); err != nil {
				t.Fatal(err)
			}
		}
		code, err := check(t.Context(), &setup{}, path, log.New(io.Discard, "", 0))
		if code != 2 || err == nil {
			t.Errorf("%+v: code %d, %v", r, code, err)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAlternate lets three contenders take turns, one of which is missing and one
// of which breaks in the second round.
func TestAlternate(t *testing.T) {
	var turns []string
	n := 0.0
	steady := func(name string, step float64) contender {
		return contender{name, func(context.Context) (sample, error) {
			turns = append(turns, name)
			n += step
			return sample{values: map[string]float64{"r": n}, shares: map[string]float64{"r": 0.5}, version: name + " 1"}, nil
		}}
	}
	breaks := contender{"breaks", func(context.Context) (sample, error) {
		turns = append(turns, "breaks")
		if len(turns) > 4 {
			return sample{}, errors.New("open /some/folder/file.txt: broken")
		}
		return sample{values: map[string]float64{"r": 1}}, nil
	}}
	absent := contender{"absent", func(context.Context) (sample, error) { return sample{}, fmt.Errorf("%w: no tool", errSkip) }}
	g := group{name: "g", rows: []row{{ID: "r"}, {ID: "unmeasured"}}, contenders: []contender{steady("a", 1), absent, breaks, steady("b", 2)}}
	tl, err := alternate(t.Context(), g, 3, log.New(io.Discard, "", 0))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "breaks", "b", "a", "breaks", "b", "a", "b"}; !slices.Equal(turns, want) {
		t.Errorf("turns %v, want %v", turns, want)
	}
	if len(tl.skipped) != 2 || tl.skipped[1].Why != "open file.txt: broken" {
		t.Errorf("skipped: %+v", tl.skipped)
	}
	rows := tl.fill(g, 3, 0.25)
	want := figure{Value: 4, Least: 1, Most: 7}
	if len(rows) != 1 || rows[0].Ours != want || rows[0].Share != 0.5 || len(rows[0].Peers) != 1 || rows[0].Peers[0].Value != 6 || rows[0].Peers[0].Ratio != 0.6667 {
		t.Errorf("%+v", rows)
	}
	g.contenders = []contender{breaks}
	if _, err := alternate(t.Context(), g, 1, log.New(io.Discard, "", 0)); err == nil {
		t.Error("a failure of our own program passed")
	}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		lower     bool
		ours, its float64
		want      float64
	}{{false, 6, 3, 2}, {true, 6, 3, 0.5}, {false, 6, 0, 0}, {true, 0, 3, 0}} {
		r := row{Lower: c.lower, Ours: figure{Value: c.ours}}
		if got := r.ratio(c.its); got != c.want {
			t.Errorf("%+v: %g", c, got)
		}
	}
}

func TestReadLlamaBench(t *testing.T) {
	raw := `note
{"build_commit": "abc", "build_number": 7, "n_prompt": 512, "n_gen": 0, "samples_ts": [10, 30, 20]}
{"build_commit": "abc", "build_number": 7, "n_prompt": 0, "n_gen": 64, "samples_ts": [4, 2]}
`
	s, err := readLlamaBench([]byte(raw), "pp", "tg")
	if err != nil || s.values["pp"] != 20 || s.values["tg"] != 3 || s.version != "llama.cpp build 7 (abc)" {
		t.Errorf("%v: %+v", err, s)
	}
	for _, bad := range []string{"", "{", `{"n_gen": 0, "samples_ts": [1]}`} {
		if _, err := readLlamaBench([]byte(bad), "pp", "tg"); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestReadQuantizePerf(t *testing.T) {
	raw := `q4_1
  quantize_row_q
    65536 values (0.25 MB)
      min cycles/32 vals   :     47.51
      float32 throughput   :      4.00 GB/s
      quantized throughput :      1.02 GB/s

  dequantize_row_q
    65536 values (0.25 MB)
      float32 throughput   :      8.00 GB/s

q4_K
  dequantize_row_q
    65536 values (0.25 MB)
      float32 throughput   :      2.00 GB/s
  vec_dot_q
    65536 values (0.25 MB)
      float32 throughput   :      9.00 GB/s
iq9_x
  dequantize_row_q
    65536 values (0.25 MB)
      float32 throughput   :      9.00 GB/s
`
	s, err := readQuantizePerf([]byte(raw), []string{"Q4_1", "Q4_K"})
	want := map[string]float64{"encode/Q4_1": 1.073741824, "decode/Q4_1": 2.147483648, "decode/Q4_K": 0.536870912}
	if err != nil || !maps.EqualFunc(s.values, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
		t.Errorf("%v: %v", err, s.values)
	}
	if _, err := readQuantizePerf([]byte("q4_1\n"), []string{"Q4_1"}); err == nil {
		t.Error("no figures were accepted")
	}
}

// TestGroups looks for ids that two rows share and for groups without a peer.
func TestGroups(t *testing.T) {
	s := &setup{tier: "avx512", models: []string{"dir/a.gguf", "b"}, threads: []int{1, 2}, sizes: []int{512, 1024}, batch: 2, seq: 8}
	seen := map[string]bool{}
	for _, g := range groups(s) {
		if len(g.contenders) < 2 || g.contenders[0].name != self {
			t.Errorf("%s: contenders %+v", g.name, g.contenders)
		}
		for _, r := range g.rows {
			if seen[r.ID] || r.Title == "" || r.Unit == "" || r.Threads == 0 {
				t.Errorf("%s: row %+v", g.name, r)
			}
			seen[r.ID] = true
		}
	}
	if !seen["prefill/a/t2"] || !seen["gemm/512/t1"] || !seen["decode/Q4_K"] {
		t.Errorf("ids: %v", slices.Sorted(maps.Keys(seen)))
	}
}

func TestNames(t *testing.T) {
	if got := slug("AMD EPYC™ 9B45 (family 26, model 2)"); got != "amd-epyc-9b45-family-26-model-2" {
		t.Error(got)
	}
	for typ, want := range map[string]string{"Q4_K": "q4_K", "Q8_0": "q8_0", "BF16": "bf16", "IQ4_NL": "iq4_nl"} {
		if got := ggmlName(typ); got != want {
			t.Errorf("%s: %s", typ, got)
		}
	}
	if _, err := numbers("1,x"); err == nil {
		t.Error("x is taken for a number")
	}
}

func TestGonum(t *testing.T) {
	s := gonumGemm([]int{16}, 1, func(n string) string { return "g" + n })
	if !(s.values["g16"] > 0) || s.version == "" {
		t.Errorf("%+v", s)
	}
}
