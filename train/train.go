package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/detox-surgery/detox-surgery/train/loss"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
	"github.com/detox-surgery/detox-surgery/train/optim"
)

// ErrData is wrapped by errors about training data that cannot be used.
var ErrData = errors.New("train: unusable data")

// Trainer runs one objective on one model.
type Trainer struct {
	cfg     Config
	m, ref  *model.Model // ref is a second handle on the same file and never edited
	params  []*nn.Param
	sync    func() // recomputes effective weights after a step
	data    Data
	pairs   []encoded
	lines   []string
	start   []int32
	opt     *optim.AdamW
	disc    *loss.Discriminator
	tape    *nn.Tape
	refTape *nn.Tape
	states  loss.States
	refs    []*reference // per pair: kept over epochs
	cache   *stateCache  // nil: none
	step    int
	stats   []StepStats
}

// New prepares a run. m carries the trainable handles whose parameters are
// params; ref is the original, opened from the same file. sync is called after
// every optimizer step.
func New(m, ref *model.Model, params []*nn.Param, sync func(), d Data, cfg Config) (*Trainer, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if b := cfg.Objective.Block; b < -1 || b >= m.Config().Blocks {
		return nil, fmt.Errorf("train: block %d of a model with %d blocks", b, m.Config().Blocks)
	}
	t := &Trainer{
		cfg: cfg, m: m, ref: ref, params: params, sync: sync, data: d,
		start: m.Tokenizer().TextStart(), lines: toxicLines(d.Pairs),
		opt:     optim.NewAdamW(params, cfg.Optimizer),
		disc:    loss.NewDiscriminator(m.Config().Width, cfg.Objective.Hidden, cfg.Seed),
		tape:    nn.NewTape(m.Pool(), true),
		refTape: nn.NewTape(m.Pool(), false),
	}
	prec, _ := nn.NamedPrecision(cfg.Precision)
	t.tape.SetPrecision(prec)
	t.refTape.SetPrecision(prec) // the same, so that an unedited model is at no distance from the original
	t.data.Pairs, t.pairs = encodePairs(m.Tokenizer(), d.Pairs, cfg.MaxLen)
	t.refs = make([]*reference, len(t.pairs))
	t.cache = newStateCache(m, ref, t.lowest(), cfg.StateCacheBytes)
	if len(t.pairs) < cfg.Batch {
		return nil, fmt.Errorf("%w: %d usable pairs of %d, a batch needs %d", ErrData, len(t.pairs), len(d.Pairs), cfg.Batch)
	}
	if cfg.TextWindows > 0 && cfg.Objective.RetainText > 0 && len(d.Text) < 2*cfg.TextTokens {
		return nil, fmt.Errorf("%w: neutral text has %d tokens, windows need at least %d", ErrData, len(d.Text), 2*cfg.TextTokens)
	}
	return t, nil
}

// lowest is the block that all passes may begin at: nothing below trains, and the
// adversary looks at nothing below.
func (t *Trainer) lowest() int {
	b := t.m.LowestTrained()
	if t.cfg.Objective.Lambda > 0 {
		b = min(b, t.block())
	}
	return b
}

// Steps is the number of steps of the whole run.
func (t *Trainer) Steps() int { return t.cfg.Steps(len(t.pairs)) }

// Stats returns the measurements of the steps so far.
func (t *Trainer) Stats() []StepStats { return t.stats }

// Discriminator returns the adversary, for probes after a run.
func (t *Trainer) Discriminator() *loss.Discriminator { return t.disc }

// Run trains to the end, or until ctx is done: then it saves a checkpoint (where
// path is not empty) and returns ctx's error. progress, if not nil, is called
// after every step.
func (t *Trainer) Run(ctx context.Context, checkpoint string, progress func(StepStats)) error {
	for steps := t.Steps(); t.step < steps; {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, t.save(checkpoint))
		}
		s := t.Step()
		if math.IsNaN(s.GradNorm) || math.IsInf(s.GradNorm, 0) {
			return fmt.Errorf("train: gradient is not finite at step %d; lower the learning rate", s.Step)
		}
		if progress != nil {
			progress(s)
		}
		if t.cfg.SaveEvery > 0 && t.step%t.cfg.SaveEvery == 0 && t.step < steps {
			if err := t.save(checkpoint); err != nil {
				return err
			}
		}
	}
	return t.save(checkpoint)
}

// Step takes one optimizer step.
func (t *Trainer) Step() StepStats {
	begin := time.Now()
	steps := t.Steps()
	s := StepStats{Step: t.step + 1, Steps: steps, Lambda: t.cfg.Objective.LambdaAt(float64(t.step) / float64(steps))}
	items := t.items()
	t.references(items)
	t.states.X, t.states.Label = t.states.X[:0], t.states.Label[:0]
	w := t.weights(items)
	var kl [kinds]float64
	var adversary time.Duration
	for _, group := range pack(items, t.cfg.MaxTokens) {
		adversary += t.micro(group, w, float32(s.Lambda), &kl)
		for _, it := range group {
			s.Tokens += len(it.ids)
		}
	}
	s.KLPairs, s.KLText, s.KLContext = kl[kindPair], kl[kindText], kl[kindContext]
	if t.cfg.Objective.Lambda > 0 {
		a := time.Now()
		s.DiscLoss, s.DiscAcc = t.disc.Train(&t.states, float32(t.cfg.Objective.DiscLR), t.cfg.Objective.DiscSteps)
		adversary += time.Since(a)
	}
	lr := float32(t.cfg.LR) * optim.LinearSchedule(t.step, steps, t.cfg.Warmup, t.cfg.Floor)
	s.GradNorm, s.LR = t.opt.Step(lr), float64(lr)
	t.sync()
	t.step++
	s.TokensPerS = float64(s.Tokens) / time.Since(begin).Seconds()
	s.AdversaryMS = float64(adversary.Microseconds()) / 1000
	s.StateHits, s.StateMisses = t.cache.endStep()
	t.stats = append(t.stats, s)
	return s
}

// batchWeights are the factors of single rows, normalised over a whole batch.
type batchWeights struct {
	kl            [kinds]float32 // retain weight over the number of rows
	mean          [kinds]float32 // 1 over the number of rows
	toxic, benign float32        // class-balanced weights of the adversary's rows
}

func (t *Trainer) weights(items []item) batchWeights {
	var rows [kinds]int
	var toxic, benign int
	for _, it := range items {
		rows[it.kind] += len(it.kl)
		if it.toxic {
			toxic += len(it.adv)
		} else {
			benign += len(it.adv)
		}
	}
	o := t.cfg.Objective
	retain := [kinds]float64{o.RetainPairs, o.RetainText, o.RetainContext}
	var w batchWeights
	for k, n := range rows {
		if n > 0 {
			w.mean[k] = 1 / float32(n)
			w.kl[k] = float32(retain[k] / float64(n))
		}
	}
	w.toxic, w.benign = 0.5/float32(max(1, toxic)), 0.5/float32(max(1, benign))
	return w
}
