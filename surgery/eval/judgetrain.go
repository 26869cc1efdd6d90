package eval

import (
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"unicode"
)

// JudgeRow is one sentence with its rewrites.
type JudgeRow struct {
	Toxic   string
	Neutral []string // empty ones are skipped
}

// ReadJudgeRows reads a TSV file with the header columns toxic, neutral1, neutral2,
// neutral3, without quoting.
func ReadJudgeRows(path string) ([]JudgeRow, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("eval: judge rows: %w", err)
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	if cols := strings.Split(strings.TrimRight(lines[0], "\r"), "\t"); cols[0] != "toxic" || len(cols) < 2 {
		return nil, fmt.Errorf("eval: judge rows: %s:1: header %q, want toxic and neutral columns", path, lines[0])
	}
	rows := make([]JudgeRow, 0, len(lines)-1)
	for i, line := range lines[1:] {
		cells := strings.Split(strings.TrimRight(line, "\r"), "\t")
		if len(cells) < 2 || strings.TrimSpace(cells[0]) == "" {
			return nil, fmt.Errorf("eval: judge rows: %s:%d: %d cells, want a toxic sentence and rewrites", path, i+2, len(cells))
		}
		rows = append(rows, JudgeRow{cells[0], cells[1:]})
	}
	return rows, nil
}

// JudgeOptions are the settings of TrainJudge; zero fields take the default.
type JudgeOptions struct {
	Bits  int      // log2 of the buckets; 18
	C     float64  // inverse strength of the L2 penalty, as scikit-learn's; 4
	Iter  int      // most iterations of L-BFGS; 200
	Prose []string // ordinary text, taken as benign: what a judge of short posts alone gets wrong
}

func (o JudgeOptions) withDefaults() JudgeOptions {
	if o.Bits == 0 {
		o.Bits = 18
	}
	if o.C == 0 {
		o.C = 4
	}
	if o.Iter == 0 {
		o.Iter = 200
	}
	return o
}

// JudgeReport says what training saw and how the judge does on the held-out tenth,
// to which only its two calibration numbers were fitted.
type JudgeReport struct {
	Train   int            `json:"train"`
	HeldOut Classification `json:"held_out"`
	Loss    float64        `json:"loss"`
}

// LabelledTexts flattens rows into texts and labels; rewrites equal to their
// sentence up to case and punctuation are dropped, since no judge can tell them.
func LabelledTexts(rows []JudgeRow) (texts []string, toxic []bool) {
	for _, r := range rows {
		texts, toxic = append(texts, r.Toxic), append(toxic, true)
		plain := lettersOf(r.Toxic)
		for _, n := range r.Neutral {
			if strings.TrimSpace(n) == "" || lettersOf(n) == plain {
				continue
			}
			texts, toxic = append(texts, n), append(toxic, false)
		}
	}
	return texts, toxic
}

func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// sample is one text of the training set.
type sample struct {
	x      []feature
	toxic  bool
	weight float64
}

// TrainJudge fits a judge: class-balanced logistic loss with an L2 penalty by
// L-BFGS, weights rounded to 8 bits, then Platt's calibration on a tenth of the
// rows (chosen by the hash of the sentence; a row's texts stay together). The same
// rows give the same bytes.
func TrainJudge(rows []JudgeRow, o JudgeOptions) (*NGram, JudgeReport, error) {
	o = o.withDefaults()
	if o.Bits < minJudgeBits || o.Bits > maxJudgeBits {
		return nil, JudgeReport{}, fmt.Errorf("eval: judge: 2^%d buckets, want 2^%d to 2^%d", o.Bits, minJudgeBits, maxJudgeBits)
	}
	fit, held := splitRows(rows)
	texts, toxic := LabelledTexts(fit)
	train := samplesOf(append(texts, o.Prose...), append(toxic, make([]bool, len(o.Prose))...), o.Bits)
	texts, toxic = LabelledTexts(held)
	test := samplesOf(texts, toxic, o.Bits)
	if !bothClasses(train) || !bothClasses(test) {
		return nil, JudgeReport{}, fmt.Errorf("eval: judge: %d rows are too few to train on nine tenths and calibrate on one", len(rows))
	}
	w, loss := minimize(train, 1<<o.Bits, o)
	j := quantizeJudge(w, o.Bits)
	j.calibrate(test)
	j.setName()
	scores, labels := make([]float64, len(test)), make([]bool, len(test))
	for i, s := range test {
		scores[i] = sigmoid(float64(j.a)*j.margin(s.x) + float64(j.b))
		labels[i] = s.toxic
	}
	return j, JudgeReport{Train: len(train), HeldOut: Classify(scores, labels), Loss: loss}, nil
}

func splitRows(rows []JudgeRow) (fit, held []JudgeRow) {
	for _, r := range rows {
		if sum := sha256.Sum256([]byte(lettersOf(r.Toxic))); sum[0] < 26 { // 26/256 is a tenth
			held = append(held, r)
		} else {
			fit = append(fit, r)
		}
	}
	return fit, held
}

func samplesOf(texts []string, toxic []bool, bits int) []sample {
	out := make([]sample, len(texts))
	positives := 0
	for i, t := range texts {
		out[i] = sample{x: features(t, bits), toxic: toxic[i]}
		if toxic[i] {
			positives++
		}
	}
	n := float64(len(out))
	for i := range out {
		if out[i].toxic {
			out[i].weight = n / 2 / float64(positives)
		} else {
			out[i].weight = n / 2 / float64(len(out)-positives)
		}
	}
	return out
}

func bothClasses(s []sample) bool {
	return slices.ContainsFunc(s, func(x sample) bool { return x.toxic }) &&
		slices.ContainsFunc(s, func(x sample) bool { return !x.toxic })
}

// minimize returns the weights (the last one is the bias, unpenalised) and the
// mean loss. Buckets that fewer than two texts use stay zero: they only memorise.
func minimize(train []sample, buckets int, o JudgeOptions) (full []float64, loss float64) {
	index, used := compact(train, buckets)
	w := make([]float64, used+1)
	lbfgs(w, func(w, grad []float64) float64 {
		v, _ := objective(train, index, w, o.C, grad)
		return v
	}, o.Iter, 1e-3)
	full = make([]float64, buckets+1)
	for b, i := range index {
		if i >= 0 {
			full[b] = w[i]
		}
	}
	full[buckets] = w[used]
	_, loss = objective(train, index, w, o.C, make([]float64, len(w)))
	return full, loss
}

// compact numbers the buckets that at least two texts use; -1 for the others.
func compact(train []sample, buckets int) (index []int32, used int) {
	count := make([]int32, buckets)
	for _, s := range train {
		for _, f := range s.x {
			count[f.bucket]++
		}
	}
	index = count
	for b, c := range count {
		index[b] = -1
		if c >= 2 {
			index[b] = int32(used)
			used++
		}
	}
	return index, used
}

// objective is C Σ weight log(1 + e^-m) + |w|²/2 and its gradient; loss is the
// weighted mean of the first part.
func objective(train []sample, index []int32, w []float64, c float64, grad []float64) (value, loss float64) {
	bias := len(w) - 1
	for _, x := range w[:bias] {
		value += x * x / 2
	}
	copy(grad, w)
	grad[bias] = 0
	for _, s := range train {
		z := w[bias]
		for _, f := range s.x {
			if i := index[f.bucket]; i >= 0 {
				z += w[i] * float64(f.value)
			}
		}
		sign := -1.0
		if s.toxic {
			sign = 1
		}
		loss += s.weight * softplus(-sign*z)
		g := -sign * c * s.weight * sigmoid(-sign*z)
		for _, f := range s.x {
			if i := index[f.bucket]; i >= 0 {
				grad[i] += g * float64(f.value)
			}
		}
		grad[bias] += g
	}
	return value + c*loss, loss / float64(len(train))
}

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func quantizeJudge(w []float64, bits int) *NGram {
	buckets := 1 << bits
	top := 0.0
	for _, x := range w[:buckets] {
		top = max(top, math.Abs(x))
	}
	j := &NGram{bits: bits, scale: float32(top / 127), bias: float32(w[buckets]), a: 1, weights: make([]int8, buckets)}
	if top == 0 {
		return j
	}
	for b, x := range w[:buckets] {
		j.weights[b] = int8(math.RoundToEven(x / top * 127))
	}
	return j
}

// calibrate fits a and b of σ(a m + b) by Newton's method on the margins m, both
// classes with the same total weight (so 0.5 stays the point of equal evidence) and
// Platt's smoothed targets.
func (j *NGram) calibrate(test []sample) {
	pos := 0.0
	for _, s := range test {
		if s.toxic {
			pos++
		}
	}
	neg := float64(len(test)) - pos
	a, b := 1.0, 0.0
	for range 50 {
		var ga, gb, haa, hab, hbb float64
		for _, s := range test {
			m, target := j.margin(s.x), 1/(neg+2)
			if s.toxic {
				target = (pos + 1) / (pos + 2)
			}
			p := sigmoid(a*m + b)
			d, h := s.weight*(p-target), s.weight*p*(1-p)
			ga, gb = ga+d*m, gb+d
			haa, hab, hbb = haa+h*m*m, hab+h*m, hbb+h
		}
		haa, hbb = haa+1e-9, hbb+1e-9
		det := haa*hbb - hab*hab
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		a, b = a-da, b-db
		if math.Abs(da)+math.Abs(db) < 1e-10 {
			break
		}
	}
	j.a, j.b = float32(a), float32(b)
}
