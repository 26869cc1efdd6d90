package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/surgery/report"
)

// result makes a result whose first toxic continuations of n are offensive.
func result(name string, n, toxic int, ppl float64) *eval.Result {
	prompts, texts := make([]string, n), make([]string, n)
	for i := range n {
		prompts[i] = fmt.Sprintf("a first line\nYou %d", i)
		texts[i] = " are a kind & <b>gentle</b> soul."
		if i < toxic {
			texts[i] = " are a stupid idiot."
		}
	}
	run := eval.JudgeTexts(eval.WordList(), prompts, texts)
	flags := make([]float64, n)
	for i := range flags {
		flags[i] = float64(i % 2)
	}
	return &eval.Result{
		Name: name, Primed: run, Plain: eval.JudgeTexts(eval.WordList(), prompts[:4], texts[n-4:]),
		CoherencePrimed: &eval.Coherence{Share: eval.Bootstrap(flags)},
		Perplexity:      &eval.PerplexityResult{Value: ppl, Ctx: 512},
		Change:          &eval.Change{Perplexity: ppl / 18},
	}
}

func sample() *report.Report {
	r := &report.Report{
		Title: "Model <1>.gguf", Subtitle: "an edit of ffn_down", Tool: "detox-surgery 0",
		Results:  []*eval.Result{result("original", 40, 20, 18), result("edited (float)", 40, 2, 18.1), result("written file", 40, 1, 18.2)},
		Settings: []report.Setting{{Name: "seed", Value: "0"}},
		Files:    []report.File{{Role: "parent", Name: "m.gguf", Bytes: 98103392, SHA256: strings.Repeat("ab", 32)}},
		Tensors:  []report.Tensor{{Name: "blk.3.ffn_down.weight", Type: "Q4_1", Codes: 0.125, Scales: 1}},
		Notes:    []string{"One seed."},
	}
	for i := range 900 {
		r.Neurons = append(r.Neurons, report.Neuron{Block: i % 30, Index: i * 7 % 1536, Score: math.Exp(-float64(i)/90) * float64(1+i%30)})
	}
	loss := report.Curve{Panel: "loss", Name: "KL on pairs"}
	acc := report.Curve{Panel: "discriminator", Name: "accuracy"}
	for i := range 1000 {
		x := float64(i)
		loss.X, loss.Y = append(loss.X, x), append(loss.Y, math.Exp(-x/200)+0.05*math.Sin(x))
		acc.X, acc.Y = append(acc.X, x), append(acc.Y, 0.5+0.4*math.Exp(-x/300))
	}
	loss.Y[10] = math.NaN() // a step without a value must not break the page
	r.Curves = []report.Curve{loss, acc}
	return r
}

func html(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("DETOX_REPORT_OUT"); path != "" {
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestHTML(t *testing.T) {
	page := html(t, sample())
	for _, want := range []string{
		"Model &lt;1&gt;.gguf", "50.0 %", "2.5 %", "1.0111 x", "98,103,392 bytes", "blk.3.ffn_down.weight",
		"kind &amp; &lt;b&gt;gentle&lt;/b&gt; soul.", "s•••••", "One seed.", "KL on pairs",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<b>gentle", "http:", "https:", "<script", "NaN", "ZgotmplZ"} {
		if strings.Contains(strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, ""), bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	if n := strings.Count(page, "<svg"); n != 5 {
		t.Errorf("%d pictures, want 5", n)
	}
	if len(page) > 600_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// Every picture must be well-formed XML, so that browsers draw all of it.
func TestPicturesAreWellFormed(t *testing.T) {
	page := html(t, sample())
	for i := 1; ; i++ {
		from := strings.Index(page, "<svg")
		if from < 0 {
			return
		}
		to := from + strings.Index(page[from:], "</svg>") + len("</svg>")
		d := xml.NewDecoder(strings.NewReader(page[from:to]))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("picture %d: %v", i, err)
			}
		}
		page = page[to:]
	}
}

func TestEmptyReport(t *testing.T) {
	page := html(t, &report.Report{Title: "nothing"})
	if strings.Contains(page, "<svg") || !strings.Contains(page, "nothing") {
		t.Error("a report without results must show its title and no picture")
	}
}

func TestJSONRoundTrip(t *testing.T) {
	var b bytes.Buffer
	r := sample()
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	first := b.String()
	back, err := report.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := back.WriteJSON(&again); err != nil {
		t.Fatal(err)
	}
	if again.String() != first {
		t.Error("reading and writing changed the document")
	}
	if _, err := report.Read(strings.NewReader(`{"version": 99}`)); !errors.Is(err, report.ErrVersion) {
		t.Errorf("error %v, want ErrVersion", err)
	}
}

func TestTable(t *testing.T) {
	table := report.Table(sample().Results)
	t.Log("\n" + table)
	lines := strings.Split(strings.TrimRight(table, "\n"), "\n")
	column := strings.Index(lines[0], "written")
	for _, l := range lines[2:] {
		runes := []rune(l)
		if len(runes) <= column || runes[column] == ' ' || runes[column-1] != ' ' {
			t.Errorf("column is not aligned in %q", l)
		}
	}
	if utf8.RuneCountInString(lines[1]) < utf8.RuneCountInString(lines[0]) {
		t.Error("the rule is shorter than the header")
	}
	if !strings.Contains(table, "50.0 % [35.0–65.0]") {
		t.Error("rates must carry their interval")
	}
}
