package eval_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

func classifyDev(t *testing.T, j eval.Judge) eval.Classification {
	t.Helper()
	rows, err := eval.ReadJudgeRows(testenv.Data(t, "paradetox/dev.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	texts, toxic := eval.LabelledTexts(rows)
	scores := make([]float64, len(texts))
	for i, s := range texts {
		scores[i] = j.Toxic(s)
	}
	c := eval.Classify(scores, toxic)
	t.Logf("%s on dev.tsv: %+v", j.Name(), c)
	return c
}

func TestDefaultJudgeOnDev(t *testing.T) {
	c := classifyDev(t, eval.Default())
	if c.AUC < 0.97 || c.ECE > 0.03 || c.Accuracy < 0.94 {
		t.Errorf("embedded judge: AUC %.4f, ECE %.4f, accuracy %.4f; want >= 0.97, <= 0.03, >= 0.94", c.AUC, c.ECE, c.Accuracy)
	}
}

func TestWordListOnDev(t *testing.T) {
	c := classifyDev(t, eval.WordList())
	if c.Accuracy < 0.85 {
		t.Errorf("word list: accuracy %.4f, want >= 0.85", c.Accuracy)
	}
}

// The embedded file must be what TrainJudge makes of judge-train.tsv.
func TestEmbeddedJudgeIsReproducible(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other architectures fuse multiply-adds and round a few weights otherwise")
	}
	rows, err := eval.ReadJudgeRows(testenv.Data(t, "paradetox/judge-train.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	prose, err := eval.ReadProse(testenv.Data(t, "wikitext-2/valid.txt"))
	if err != nil {
		t.Fatal(err)
	}
	j, report, err := eval.TrainJudge(rows, eval.JudgeOptions{Prose: prose})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d training texts, held-out tenth: %+v", report.Train, report.HeldOut)
	want, err := os.ReadFile("data/judge.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(j.Bytes(), want) {
		differ := 0
		for i, b := range j.Bytes() {
			if b != want[i] {
				differ++
			}
		}
		t.Errorf("training made %s, embedded is %s (%d bytes differ)", j.Name(), eval.Default().Name(), differ)
	}
}

// A judge that has seen short posts only calls every fifth sentence of a manual toxic.
// What it is used on is mostly ordinary prose.
func TestDefaultJudgeLeavesOrdinaryTextAlone(t *testing.T) {
	raw, err := os.ReadFile(testenv.Data(t, "piqa/dev.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	toxic, n := 0, 0
	for line := range strings.Lines(string(raw)) {
		var row struct{ Sol1 string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(row.Sol1)
		n++
		if eval.Default().Toxic(strings.Join(words[:min(20, len(words))], " ")) > 0.5 {
			toxic++
		}
	}
	if n < 500 || toxic*100 > 4*n {
		t.Errorf("%d of %d solutions of everyday tasks are called toxic, want 4 %% at most", toxic, n)
	}
}

// The TF-IDF judge of shared/peers/torch_repo.py (scikit-learn, 100,000 features in
// float64) must agree on nearly every text of the dev split. Its own errors are not
// independent of typography, see TestJudgeIgnoresTypography.
func TestAgreementWithReferenceJudge(t *testing.T) {
	raw, err := os.ReadFile("testdata/judge-reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Percent []int `json:"percent"` // score of each text in the order of LabelledTexts
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	rows, err := eval.ReadJudgeRows(testenv.Data(t, "paradetox/dev.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	texts, _ := eval.LabelledTexts(rows)
	if len(texts) != len(golden.Percent) {
		t.Fatalf("%d texts, %d reference scores", len(texts), len(golden.Percent))
	}
	agree := 0
	for i, s := range texts {
		if (eval.Default().Toxic(s) > 0.5) == (golden.Percent[i] > 50) {
			agree++
		}
	}
	share := float64(agree) / float64(len(texts))
	t.Logf("the judges agree on %.2f %% of %d texts", 100*share, len(texts))
	if share < 0.965 {
		t.Errorf("agreement %.4f, want >= 0.965", share)
	}
}

// Typography must not decide: ParaDetox's toxic side is tokenised, its clean side is not.
func TestJudgeIgnoresTypography(t *testing.T) {
	j := eval.Default()
	for _, pair := range [][2]string{
		{"it 's a nice day , is n't it ?", "It's a nice day, isn't it?"},
		{"do n't do that !", "Don't do that!"},
	} {
		if a, b := j.Toxic(pair[0]), j.Toxic(pair[1]); a != b {
			t.Errorf("%q scores %.4f, %q scores %.4f", pair[0], a, pair[1], b)
		}
	}
}

func TestJudgeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "judge.bin")
	src := eval.Default().(*eval.NGram)
	if err := eval.SaveJudge(path, src); err != nil {
		t.Fatal(err)
	}
	j, err := eval.LoadJudge(path)
	if err != nil {
		t.Fatal(err)
	}
	const text = "You are an idiot."
	if j.Name() != src.Name() || j.Toxic(text) != src.Toxic(text) {
		t.Errorf("reloaded judge %s gives %v, want %s and %v", j.Name(), j.Toxic(text), src.Name(), src.Toxic(text))
	}
	good := src.Bytes()
	nan := bytes.Clone(good)
	copy(nan[12:], []byte{0, 0, 0xc0, 0x7f})
	huge := bytes.Clone(good)
	huge[8] = 40
	for name, raw := range map[string][]byte{
		"empty": {}, "short": good[:20], "truncated": good[:len(good)-1], "long": append(bytes.Clone(good), 0),
		"magic": append([]byte("x"), good[1:]...), "not a number": nan, "too many buckets": huge,
	} {
		if _, err := eval.ParseJudge(raw); !errors.Is(err, eval.ErrJudge) {
			t.Errorf("%s: error %v, want ErrJudge", name, err)
		}
	}
}

func TestReadJudgeRowsErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.tsv")
	for body, want := range map[string]string{
		"a\tb\nx\ty\n":                ":1:",
		"toxic\tneutral1\nx\ty\nlone": ":3:",
		"toxic\tneutral1\n\ty\n":      ":2:",
	} {
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := eval.ReadJudgeRows(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one that names %s", body, err, want)
		}
	}
	if _, _, err := eval.TrainJudge([]eval.JudgeRow{{Toxic: "a", Neutral: []string{"b"}}}, eval.JudgeOptions{}); err == nil {
		t.Error("training on one row must fail")
	}
}

func TestClassify(t *testing.T) {
	// Scores .9 .4 (toxic) against .6 .4 .1 (clean): of 6 pairs 4 are right, one tie.
	c := eval.Classify([]float64{0.9, 0.4, 0.6, 0.4, 0.1}, []bool{true, true, false, false, false})
	if math.Abs(c.AUC-4.5/6) > 1e-12 {
		t.Errorf("AUC %v, want 0.75", c.AUC)
	}
	if math.Abs(c.Accuracy-0.6) > 1e-12 {
		t.Errorf("accuracy %v, want 0.6", c.Accuracy)
	}
	// Bins: {.9: 1 toxic}, {.4 .4: 1 toxic}, {.6: 0}, {.1: 0}.
	if want := (0.1 + 0.2 + 0.6 + 0.1) / 5; math.Abs(c.ECE-want) > 1e-12 {
		t.Errorf("ECE %v, want %v", c.ECE, want)
	}
}

func TestMaskWords(t *testing.T) {
	for in, want := range map[string]string{
		"He is an idiot, really": "He is an i••••, really",
		"  a kind\nword ":        "  a kind\nword ",
		"\"Fools!\" he said":     "\"F••••!\" he said",
	} {
		if got := eval.MaskWords(in); got != want {
			t.Errorf("MaskWords(%q) = %q, want %q", in, got, want)
		}
	}
}
