package eval

import (
	"context"
	"fmt"
)

// Model is a language model with everything that the metrics of a Suite need; New
// makes one of a *model.Model.
type Model interface {
	LM
	States
}

// Suite is a set of measurements; what has no data is left out.
type Suite struct {
	Primed  []string // prompts that lead to toxicity
	Greedy  int      // so many of Primed are continued greedily as well
	Plain   []string // neutral prompts
	Checked int      // so many continuations of each sampled run are checked for coherence; 0: all
	Toxic   ToxicityOptions
	Text    string // for perplexity and divergence
	Brief   bool   // no divergence: it runs both models over the text again
	PPL     PerplexityOptions
	Pairs   []MinimalPair
	Choices []Choice
	// Progress is told which measurement runs and how far it is.
	Progress func(stage string, done, total int)
}

// Result is what a Suite found out about one model.
type Result struct {
	Name            string            `json:"name"`
	Primed          *ToxicityRun      `json:"primed,omitempty"`
	PrimedGreedy    *ToxicityRun      `json:"primed_greedy,omitempty"`
	Plain           *ToxicityRun      `json:"plain,omitempty"`
	CoherencePrimed *Coherence        `json:"coherence_primed,omitempty"`
	CoherencePlain  *Coherence        `json:"coherence_plain,omitempty"`
	Perplexity      *PerplexityResult `json:"perplexity,omitempty"`
	Divergence      *DivergenceResult `json:"divergence,omitempty"`
	BLiMP           *BLiMPResult      `json:"blimp,omitempty"`
	Preference      *PreferenceResult `json:"preference,omitempty"`
	Change          *Change           `json:"change,omitempty"`
}

// Change is a result minus the original's, paired by prompt or pair.
type Change struct {
	Primed          *Interval `json:"primed,omitempty"`
	PrimedGreedy    *Interval `json:"primed_greedy,omitempty"`
	Plain           *Interval `json:"plain,omitempty"`
	CoherencePrimed *Interval `json:"coherence_primed,omitempty"`
	CoherencePlain  *Interval `json:"coherence_plain,omitempty"`
	BLiMP           *Interval `json:"blimp,omitempty"`
	Perplexity      float64   `json:"perplexity_ratio,omitempty"`
}

// Measure runs the suite on m. The original model and its result are needed for
// coherence, divergence and the change; to measure the original itself pass it as
// both models, with a nil base.
func (s *Suite) Measure(ctx context.Context, name string, m, original Model, base *Result) (*Result, error) {
	r := &Result{Name: name}
	for _, step := range []func(r *Result, m, original Model, base *Result) error{
		s.toxicity, s.coherence, s.text, s.tasks,
	} {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("eval: %s: %w", name, err)
		}
		if err := step(r, m, original, base); err != nil {
			return nil, err
		}
	}
	if base != nil {
		r.Change = change(base, r)
	}
	return r, nil
}

func (s *Suite) stage(name string) Progress {
	if s.Progress == nil {
		return nil
	}
	return func(done, total int) { s.Progress(name, done, total) }
}

func (s *Suite) toxicity(r *Result, m, _ Model, _ *Result) (err error) {
	for _, job := range []struct {
		stage   string
		prompts []string
		greedy  bool
		out     **ToxicityRun
	}{
		{"primed prompts", s.Primed, false, &r.Primed},
		{"primed prompts, greedy", s.Primed[:min(len(s.Primed), s.Greedy)], true, &r.PrimedGreedy},
		{"plain prompts", s.Plain, false, &r.Plain},
	} {
		if len(job.prompts) == 0 {
			continue
		}
		o := s.Toxic
		o.Greedy, o.Progress = job.greedy, s.stage(job.stage)
		if *job.out, err = Toxicity(m, job.prompts, o); err != nil {
			return err
		}
	}
	return nil
}

// bar is what the original's own continuations of the bare last lines reach.
func (s *Suite) bar(original Model, run *ToxicityRun, p Progress) (float64, error) {
	o := s.Toxic
	o.Progress = s.stage("coherence: plain lines")
	plain, err := plainRun(original, run, o)
	if err != nil {
		return 0, err
	}
	return CoherenceBar(original, plain, p)
}

func (s *Suite) coherence(r *Result, _, original Model, base *Result) (err error) {
	p := s.stage("coherence")
	for _, job := range []struct {
		run    *ToxicityRun
		before func() *Coherence
		out    **Coherence
	}{
		{r.Primed, func() *Coherence { return base.CoherencePrimed }, &r.CoherencePrimed},
		{r.Plain, func() *Coherence { return base.CoherencePlain }, &r.CoherencePlain},
	} {
		if job.run == nil {
			continue
		}
		if s.Checked > 0 && s.Checked < len(job.run.Items) {
			part := *job.run
			part.Items = part.Items[:s.Checked]
			job.run = &part
		}
		var bar float64
		if base == nil {
			if bar, err = s.bar(original, job.run, p); err != nil {
				return err
			}
		} else if c := job.before(); c != nil {
			bar = c.Bar
		} else {
			return fmt.Errorf("eval: coherence: the original was not measured on the same prompts")
		}
		if *job.out, err = Coherent(original, job.run, bar, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Suite) text(r *Result, m, original Model, base *Result) (err error) {
	if s.Text == "" {
		return nil
	}
	o := s.PPL
	o.Progress = s.stage("perplexity")
	if r.Perplexity, err = Perplexity(m, s.Text, o); err != nil || base == nil || s.Brief {
		return err
	}
	o.Progress = s.stage("divergence")
	r.Divergence, err = Divergence(original, m, s.Text, o)
	return err
}

func (s *Suite) tasks(r *Result, m, _ Model, _ *Result) (err error) {
	if len(s.Pairs) > 0 {
		if r.BLiMP, err = BLiMP(m, s.Pairs, s.stage("BLiMP")); err != nil {
			return err
		}
	}
	if len(s.Choices) > 0 {
		r.Preference, err = Preference(m, s.Choices, s.stage("preference"))
	}
	return err
}

// change compares what both results have.
func change(a, b *Result) *Change {
	c := &Change{}
	for _, d := range []struct {
		x, y *ToxicityRun
		out  **Interval
	}{
		{a.Primed, b.Primed, &c.Primed}, {a.PrimedGreedy, b.PrimedGreedy, &c.PrimedGreedy}, {a.Plain, b.Plain, &c.Plain},
	} {
		if d.x != nil && d.y != nil {
			iv := ToxicityChange(d.x, d.y)
			*d.out = &iv
		}
	}
	for _, d := range []struct {
		x, y *Coherence
		out  **Interval
	}{
		{a.CoherencePrimed, b.CoherencePrimed, &c.CoherencePrimed}, {a.CoherencePlain, b.CoherencePlain, &c.CoherencePlain},
	} {
		if d.x != nil && d.y != nil {
			iv := PairedDifference(ones(d.x.Flags), ones(d.y.Flags))
			*d.out = &iv
		}
	}
	if a.BLiMP != nil && b.BLiMP != nil {
		iv := PairedDifference(a.BLiMP.Right, b.BLiMP.Right)
		c.BLiMP = &iv
	}
	if a.Perplexity != nil && b.Perplexity != nil {
		c.Perplexity = b.Perplexity.Value / a.Perplexity.Value
	}
	return c
}

func ones(flags []bool) []float64 {
	out := make([]float64, len(flags))
	for i, f := range flags {
		if f {
			out[i] = 1
		}
	}
	return out
}
