package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// TestReadme: the table in README.md is what the results say.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, readmePath))
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaceSpeed(string(text), root, "")
	if err != nil {
		t.Fatal(err)
	}
	if want != string(text) {
		t.Errorf("%s and its results differ: go run ./bench/peers -readme", readmePath)
	}
}

// TestResults: kept files are readable, named for their processor, and hold what
// -check needs. None of them tells where on a machine it was made.
func TestResults(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, resultsDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		r, err := load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if filepath.Base(path) != slug(r.CPU)+".json" || len(r.Rows) == 0 || len(r.Shares) == 0 {
			t.Errorf("%s: results of %s with %d rows and %d shares", path, r.CPU, len(r.Rows), len(r.Shares))
		}
		for _, w := range r.Rows {
			if w.Rounds < leastRound {
				t.Errorf("%s: %s has %d rounds", path, w.ID, w.Rounds)
			}
			for _, p := range w.Peers {
				if got := w.ratio(p.Value); got != p.Ratio {
					t.Errorf("%s: %s: ratio to %s is %g, figures say %g", path, w.ID, p.Name, p.Ratio, got)
				}
			}
		}
		raw, _ := os.ReadFile(path)
		for _, folder := range []string{`"/`, " /root", "/home/", "/tmp/"} {
			if strings.Contains(string(raw), folder) {
				t.Errorf("%s holds a path with %q", path, folder)
			}
		}
	}
}

// made are results with every kind of cell.
func made() *results {
	return &results{
		Schema: schema, CPU: "Chip (family 1, model 2)", Cores: 2, OS: "linux/amd64", Go: "go1.26", Date: "2026-01-02",
		Versions: map[string]string{"A": "lib 1", "B": "lib 1", "C": "tool 2"},
		Skipped:  []skip{{"g1", "D", "not here"}, {"g2", "D", "not here"}},
		Shares:   map[string]float64{"gemm": 0.9},
		Rows: []row{
			{
				ID: "gemm", Title: "product", Unit: "GFLOP/s", Threads: 1, Rounds: 3, Load: 0.5, Ours: figure{105.4, 100, 110}, Share: 0.913,
				Peers: []peer{{"A", figure{50, 49, 51}, 2.108}, {"B", figure{210.8, 210, 211}, 0.5}},
			},
			{
				ID: "rss", Title: "memory", Unit: "MiB", Threads: 2, Lower: true, Rounds: 4, Ours: figure{0.01234, 0, 1},
				Peers: []peer{{"C", figure{0.02468, 0, 1}, 2}},
			},
		},
	}
}

const madeTable = `Chip (family 1, model 2), 2 cores, linux/amd64, go1.26; lib 1; tool 2; 2026-01-02.
Medians of 3 rounds or more in which the programs took turns; load average before them 0.5 at most. A factor above 1 means that detox-surgery is that many times better.
Limit: the register-only multiply-add loop of as many threads (a decoded weight counts as one); for writing, reading from memory.

| | threads | detox-surgery | of limit | A | B | C |
|---|---|---|---|---|---|---|
| product | 1 | 105 GFLOP/s | 91 % | 50 (2.11 x) | 211 (0.50 x) |  |
| memory | 2 | 0.0123 MiB |  |  |  | 0.0247 (2.00 x) |

Not measured:

- D: not here (g1, g2)
`

func TestTable(t *testing.T) {
	if got := made().table(); got != madeTable {
		t.Errorf("got\n%s\nwant\n%s", got, madeTable)
	}
}

func TestReplaceSpeed(t *testing.T) {
	dir := t.TempDir()
	if err := made().save(filepath.Join(dir, "r", "chip.json"), true); err != nil {
		t.Fatal(err)
	}
	before := "# Top\n<!-- speed: -->\n" + unmeasured + "<!-- /speed -->\nend\n"
	same, err := replaceSpeed(before, dir, "")
	if err != nil || same != before {
		t.Errorf("%v: %q", err, same)
	}
	want := "# Top\n<!-- speed: r/chip.json -->\n" + madeTable + "<!-- /speed -->\nend\n"
	for _, c := range [][2]string{{before, "r/chip.json"}, {want, ""}, {strings.Replace(want, "105", "205", 1), ""}} {
		got, err := replaceSpeed(c[0], dir, c[1])
		if err != nil || got != want {
			t.Errorf("%v:\n%s", err, got)
		}
	}
	for _, bad := range [][2]string{{"no markers", "r/chip.json"}, {before, "r/other.json"}} {
		if _, err := replaceSpeed(bad[0], dir, bad[1]); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestMerge: a run of some groups keeps the figures of the others.
func TestMerge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	if err := made().save(path, true); err != nil {
		t.Fatal(err)
	}
	part := &results{
		Schema: schema, Versions: map[string]string{"A": "lib 2"}, ran: []string{"g1"},
		Rows: []row{{ID: "new"}, {ID: "gemm", Rounds: 9}},
	}
	if err := part.save(path, false); err != nil {
		t.Fatal(err)
	}
	r, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	ok := len(r.Rows) == 3 && r.Rows[0].Rounds == 9 && r.Rows[1].ID == "rss" && r.Rows[2].ID == "new" &&
		r.Versions["A"] == "lib 2" && r.Versions["C"] == "tool 2" && r.Shares["gemm"] == 0.9 && len(r.Skipped) == 1 && r.Skipped[0].Group == "g2"
	if !ok {
		t.Errorf("%+v", r)
	}
}
