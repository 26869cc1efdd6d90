package loss

import (
	"fmt"
	"math"
)

// Variant is the way in which the body receives the adversary's gradient.
type Variant string

// The variants of the adversarial loss; the package comment has the formulas.
const (
	Saturating    Variant = "saturating"
	NonSaturating Variant = "nonsaturating"
	Confusion     Variant = "confusion"
)

// Positions says which states of a continuation carry a domain label.
type Positions string

// Read: states that have read a continuation token. Predict: states that predict
// one, so that the first toxic token is covered too. Both: their union.
const (
	Read    Positions = "read"
	Predict Positions = "predict"
	Both    Positions = "both"
)

// REPO configures the adversary and the retain loss.
type REPO struct {
	Lambda    float64   `json:"lambda"`    // final weight of the reversed gradient; 0: retain only
	Ramp      float64   `json:"ramp"`      // steepness of the ramp, 10 in DANN
	Variant   Variant   `json:"variant"`   // saturating | nonsaturating | confusion
	Positions Positions `json:"positions"` // read | predict | both
	Block     int       `json:"block"`     // states after this block, 0-based; -1: the last
	Hidden    int       `json:"disc_hidden"`
	DiscLR    float64   `json:"disc_lr"`
	DiscSteps int       `json:"disc_steps"`

	RetainPairs   float64 `json:"retain_pairs"`   // weight of KL on chosen tokens
	RetainText    float64 `json:"retain_text"`    // weight of KL on neutral text
	RetainContext float64 `json:"retain_context"` // weight of KL on chosen tokens after toxic context, to what the original says without it
}

// Check reports the first setting that is out of range.
func (c REPO) Check() error {
	switch {
	case c.Variant != Saturating && c.Variant != NonSaturating && c.Variant != Confusion:
		return fmt.Errorf("loss: variant %q is not saturating, nonsaturating or confusion", c.Variant)
	case c.Positions != Read && c.Positions != Predict && c.Positions != Both:
		return fmt.Errorf("loss: positions %q is not read, predict or both", c.Positions)
	case c.Lambda < 0 || c.DiscLR < 0 || c.DiscSteps < 0 || c.Hidden < 0 || c.Hidden > 1<<14:
		return fmt.Errorf("loss: lambda, disc_lr, disc_steps and disc_hidden must not be negative (hidden at most %d)", 1<<14)
	case c.RetainPairs < 0 || c.RetainText < 0 || c.RetainContext < 0:
		return fmt.Errorf("loss: retain weights must not be negative")
	}
	return nil
}

// LambdaAt is λ at a share 0..1 of the run: λ (2/(1+e^(-ramp p)) - 1).
func (c REPO) LambdaAt(p float64) float64 {
	if c.Ramp == 0 {
		return c.Lambda
	}
	return c.Lambda * (2/(1+math.Exp(-c.Ramp*p)) - 1)
}

// Rows returns the rows of a sequence of n tokens, whose continuation starts at
// cont, that carry a label.
func (p Positions) Rows(cont, n int) []int {
	lo, hi := cont, n
	if p != Read {
		lo--
	}
	if p == Predict {
		hi--
	}
	var rows []int
	for i := max(0, lo); i < hi; i++ {
		rows = append(rows, i)
	}
	return rows
}

// variants maps each variant to dL/dz for logit z, label and class weight w,
// before the factor λ.
var variants = map[Variant]func(z float32, toxic bool, w float32) float32{
	Saturating: func(z float32, toxic bool, w float32) float32 {
		if toxic {
			return -w * (sigmoid(z) - 1)
		}
		return -w * sigmoid(z)
	},
	NonSaturating: func(z float32, toxic bool, w float32) float32 {
		if toxic {
			return w * sigmoid(z)
		}
		return 0
	},
	Confusion: func(z float32, _ bool, w float32) float32 { return w * (sigmoid(z) - 0.5) },
}

// BodyGradient adds to du [rows, D] the gradient that the body receives for the
// states u [rows, D] with the given labels and class weights, at weight lambda.
func (c REPO) BodyGradient(d *Discriminator, u, du []float32, label []bool, wToxic, wBenign, lambda float32) {
	g := variants[c.Variant]
	grad := make([]float32, d.Width)
	for i, toxic := range label {
		w := wBenign
		if toxic {
			w = wToxic
		}
		z := d.Logit(u[i*d.Width:(i+1)*d.Width], grad, 0)
		s := lambda * g(z, toxic, w)
		row := du[i*d.Width : (i+1)*d.Width]
		for j, v := range grad {
			row[j] += s * v
		}
	}
}
