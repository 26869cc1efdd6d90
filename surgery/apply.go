package surgery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/surgery/locate"
	"github.com/detox-surgery/detox-surgery/surgery/patient"
	"github.com/detox-surgery/detox-surgery/train"
	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// ErrVerify is wrapped by errors about a written file that is not what it should be.
var ErrVerify = errors.New("surgery: the written file failed verification")

// Input is what the operation works on.
type Input struct {
	Model      string // path of the parent
	Output     string // path of the file to write
	Force      bool
	Pairs      []data.Pair
	PairsName  string
	PairsHash  string
	Text       string // neutral text for the retain loss; empty: the model's own samples
	Edit       *edit.Edit
	Suite      eval.Suite
	Pool       *simd.Pool
	Checkpoint string // path; empty: none is kept
	Resume     bool
	Tool       string
}

// Outcome is everything that the operation found out.
type Outcome struct {
	Original, Float, File *eval.Result
	Curves                []train.StepStats
	Located               *locate.Result
	Edit                  *edit.Edit
	Written               *edit.Result
	Skipped               []string
}

// theatre is an opened operation: the model that changes and the original, which
// share one mapping of the parent.
type theatre struct {
	in   Input
	cfg  Config
	p    Progress
	sick *patient.Patient
	file *gguf.File
	m    *model.Model
	ref  *model.Model
	out  *Outcome
	base eval.Model
}

// Apply runs the whole operation.
func Apply(ctx context.Context, in Input, cfg Config, p Progress) (*Outcome, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	t, err := open(in, cfg, p)
	if err != nil {
		return nil, err
	}
	defer t.sick.Close() //nolint:errcheck // only read
	t.base = eval.New(t.ref)
	if t.out.Original, err = t.measure(ctx, "original", t.base, nil); err != nil {
		return nil, err
	}
	if in.Edit != nil {
		t.out.Edit = in.Edit
	} else if err := t.train(ctx); err != nil {
		return nil, err
	}
	if err := t.measureFloat(ctx); err != nil {
		return nil, err
	}
	if err := t.write(ctx); err != nil {
		return nil, err
	}
	return t.out, t.measureFile(ctx)
}

// Train runs only the training and returns the edit.
func Train(ctx context.Context, in Input, cfg Config, p Progress) (*Outcome, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	t, err := open(in, cfg, p)
	if err != nil {
		return nil, err
	}
	defer t.sick.Close() //nolint:errcheck // only read
	return t.out, t.train(ctx)
}

// open maps the parent and opens both models on it.
func open(in Input, cfg Config, p Progress) (*theatre, error) {
	f, err := patient.Open(in.Model, in.Pool)
	if err != nil {
		return nil, err
	}
	t := &theatre{in: in, cfg: cfg, p: p, sick: f, file: f.File, out: &Outcome{}}
	for _, m := range []**model.Model{&t.m, &t.ref} {
		if *m, err = f.Model(); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		(*m).SetPool(in.Pool)
	}
	if err := t.m.NeedLen(eval.WindowTokens); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if t.m.Tokenizer() == nil {
		_ = f.Close() // only read
		return nil, fmt.Errorf("%w: %s has no tokenizer that is known here", model.ErrUnsupported, in.Model)
	}
	return t, nil
}

func (t *theatre) measure(ctx context.Context, name string, m eval.Model, base *eval.Result) (*eval.Result, error) {
	s := t.in.Suite
	s.Progress = func(stage string, done, total int) { t.p.report(name+": "+stage, done, total) }
	return s.Measure(ctx, name, m, t.base, base)
}

// train localizes, installs the trainable handles, trains, and keeps the edit.
func (t *theatre) train(ctx context.Context) error {
	pairs := append([]data.Pair(nil), t.in.Pairs...)
	if t.cfg.MaxPairs > 0 && len(pairs) > t.cfg.MaxPairs {
		data.Shuffle(pairs, t.cfg.Train.Seed)
		pairs = pairs[:t.cfg.MaxPairs]
	}
	if err := t.locate(ctx, pairs); err != nil {
		return err
	}
	installed, err := Install(t.m, t.cfg.Trainable, t.out.Located.Neurons)
	if err != nil {
		return err
	}
	defer installed.Remove()
	for _, r := range installed.Skipped {
		t.out.Skipped = append(t.out.Skipped, r.String())
	}
	cfg := t.cfg.Train
	if t.cfg.Method == "retain" {
		cfg.Objective.Lambda = 0
	}
	trainer, err := train.New(t.m, t.ref, installed.Params(), installed.Sync, train.Data{Pairs: pairs, Text: t.text()}, cfg)
	if err != nil {
		return err
	}
	if t.in.Resume {
		if err := trainer.Resume(t.in.Checkpoint); err != nil {
			return err
		}
	}
	err = trainer.Run(ctx, t.in.Checkpoint, func(s train.StepStats) { t.p.report("training", s.Step, s.Steps) })
	t.out.Curves = trainer.Stats()
	if err != nil {
		return err
	}
	meta, err := t.meta()
	if err != nil {
		return err
	}
	t.out.Edit = installed.Edit(meta)
	return nil
}

// locateExamples bounds the pairs that localization looks at.
const locateExamples = 96

func (t *theatre) locate(ctx context.Context, pairs []data.Pair) error {
	examples := locate.Examples(t.ref, pairs[:min(len(pairs), locateExamples)], t.cfg.Train.MaxLen)
	r, err := locate.Run(ctx, t.ref, examples, locate.Options{
		Progress: func(done, total int) { t.p.report("localizing neurons", done, total) },
	})
	t.out.Located = r
	return err
}

func (t *theatre) text() []int32 {
	if t.cfg.Train.Objective.RetainText == 0 || t.cfg.Train.TextWindows == 0 {
		return nil
	}
	if t.in.Text != "" {
		return t.m.Tokenizer().Encode(t.in.Text)
	}
	return SampleText(t.ref, t.cfg.TextSample, t.cfg.Train.Seed, t.p)
}

func (t *theatre) meta() (edit.Meta, error) {
	params, err := json.Marshal(t.cfg)
	if err != nil {
		return edit.Meta{}, fmt.Errorf("surgery: %w", err)
	}
	sum, err := data.Fingerprint(t.in.Model)
	if t.file.Files() > 1 {
		sum, err = t.file.MergedSum256()
	}
	return edit.Meta{
		Parent: sum, Arch: t.m.Config().Arch, Method: t.cfg.Method, Parameters: params,
		Seeds: []uint64{t.cfg.Train.Seed}, Data: map[string]string{t.in.PairsName: t.in.PairsHash}, Tool: t.in.Tool,
	}, err
}

func (t *theatre) measureFloat(ctx context.Context) (err error) {
	a, err := edit.Attach(t.m, t.out.Edit)
	if err != nil {
		return err
	}
	defer a.Detach()
	brief := *t
	brief.in.Suite.Brief = true
	t.out.Float, err = brief.measure(ctx, "edited, float", eval.New(t.m), t.out.Original)
	return err
}

// write rounds the edit into the output file.
func (t *theatre) write(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	rounding, ok := edit.ParseRounding(t.cfg.Rounding)
	if !ok {
		return fmt.Errorf("surgery: unknown rounding %q", t.cfg.Rounding)
	}
	if err := t.sick.Check(t.out.Edit); err != nil {
		return err
	}
	o := edit.Options{Rounding: rounding, Container: t.sick.Container(), Force: t.in.Force, Progress: func(d, n int) { t.p.report("writing", d, n) }}
	if t.cfg.EditedType != "" {
		if o.EditedType, ok = editedType(t.cfg.EditedType); !ok {
			return fmt.Errorf("surgery: %q is not a tensor type that can be written", t.cfg.EditedType)
		}
	}
	if rounding != edit.Nearest && rounding != edit.OnGrid {
		o.Calibration = t.calibrate()
	}
	t.out.Written, err = edit.Write(t.m, t.out.Edit, t.in.Output, o)
	return err
}

// calibrationPairs bounds the pairs whose activations aware rounding sees.
const calibrationPairs = 128

// calibrate collects activations for the roles that have float changes.
func (t *theatre) calibrate() edit.Calibration {
	var roles []model.Role
	for _, r := range t.out.Edit.Roles() {
		if t.out.Edit.Parts[r].HasFloats() && r.Kind.IsMatrix() {
			roles = append(roles, r)
		}
	}
	if len(roles) == 0 {
		return nil
	}
	var seqs [][]int32
	for _, e := range locate.Examples(t.ref, t.in.Pairs[:min(len(t.in.Pairs), calibrationPairs)], t.cfg.Train.MaxLen) {
		seqs = append(seqs, e.Chosen.IDs, e.Rejected.IDs)
	}
	return edit.Calibrate(t.ref, seqs, roles)
}

// measureFile opens the written file as a user would and measures it.
func (t *theatre) measureFile(ctx context.Context) error {
	f, err := t.sick.OpenWritten(t.in.Output, t.in.Pool)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrVerify, err)
	}
	defer f.Close() //nolint:errcheck // only read
	if err := verify(t.file, f.File, t.out.Edit, t.cfg.EditedType != ""); err != nil {
		return err
	}
	m, err := f.Model()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrVerify, err)
	}
	m.SetPool(t.in.Pool)
	t.out.File, err = t.measure(ctx, "written file", eval.New(m), t.out.Original)
	return err
}
