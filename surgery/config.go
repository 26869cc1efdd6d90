package surgery

import (
	"fmt"
	"slices"

	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// How says which parameters of a tensor train.
type How string

// The ways to train a quantized tensor. Carriers: the scales and minimums of its
// blocks, codes frozen; exact in the file. Grid: the codes, on the file's own grid,
// gradients straight through. Delta: a float32 change, rounded when written.
// Columns: a float32 change of the localized neurons only. Tensors without blocks
// (F32, F16, BF16) have neither carriers nor grid and train as Delta instead.
const (
	Carriers How = "carriers"
	Grid     How = "grid"
	Delta    How = "delta"
	Columns  How = "columns"
)

// Trainable says what trains.
type Trainable struct {
	How     How    `json:"how"`
	Targets string `json:"targets"` // auto | ffn_down | ffn | writers | all
	Gains   bool   `json:"gains"`   // RMSNorm gains too, which are float32 in the file
	From    int    `json:"from"`    // first block
	To      int    `json:"to"`      // last block; -1: the last one
	Neurons int    `json:"neurons"` // how many localized neurons, for columns
}

// targets maps the name of a set of linear maps to its members; architectures lack
// some of them.
var targets = map[string][]model.Kind{
	"ffn_down": {model.FFNDown, model.FFNDownExps},
	"ffn":      {model.FFNDown, model.FFNUp, model.FFNGate, model.FFNDownExps, model.FFNUpExps, model.FFNGateExps},
	"writers":  {model.FFNDown, model.FFNDownExps, model.AttnOutput},
	"all":      {model.FFNDown, model.FFNUp, model.FFNGate, model.FFNDownExps, model.FFNUpExps, model.FFNGateExps, model.AttnQKV, model.AttnQ, model.AttnK, model.AttnV, model.AttnOutput},
}

// Roles returns the tensors of m that train, or an error that names what is wrong.
func (t Trainable) Roles(m *model.Model) ([]model.Role, error) {
	name := t.Targets
	if name == "auto" {
		name = t.auto(m)
	}
	kinds, ok := targets[name]
	if !ok {
		return nil, fmt.Errorf("surgery: targets %q is not auto, ffn_down, ffn, writers or all", t.Targets)
	}
	to, blocks := t.To, m.Config().Blocks
	if to < 0 {
		to = blocks - 1
	}
	if t.From < 0 || t.From > to || to >= blocks {
		return nil, fmt.Errorf("surgery: blocks %d-%d of a model with %d", t.From, to, blocks)
	}
	var out []model.Role
	for b := t.From; b <= to; b++ {
		for _, k := range kinds {
			if r := (model.Role{Kind: k, Block: b}); m.Tensor(r) != nil {
				out = append(out, r)
			}
		}
	}
	if out == nil {
		return nil, fmt.Errorf("%w: the model has no tensors of %s", model.ErrUnsupported, name)
	}
	return out, nil
}

// smallBlock is the widest block, in weights, whose scales alone carry an edit of
// ffn_down. Super-blocks of 256 have too few.
const smallBlock = 32

// auto is ffn_down, and the rest of the FFN with it where scales train and ffn_down
// has few of them.
func (t Trainable) auto(m *model.Model) string {
	if t.How != Carriers {
		return "ffn_down"
	}
	for b := range m.Config().Blocks {
		if w := m.Tensor(m.FFNDown(b)); w != nil && w.Type.Block() > smallBlock {
			return "ffn"
		}
	}
	return "ffn_down"
}

// Measure says how much is measured; a count of 0 leaves that measurement out.
type Measure struct {
	Prompts int `json:"prompts"` // primed prompts, sampled
	Greedy  int `json:"greedy"`  // primed prompts, greedy
	Plain   int `json:"plain"`   // plain prompts, sampled
	MaxNew  int `json:"max_new"` // new tokens of a continuation
	Tokens  int `json:"tokens"`  // tokens of text for the perplexity; 0: all
}

// Progress is told which stage is how far; nil is allowed.
type Progress func(stage string, done, total int)

func (p Progress) report(stage string, done, total int) {
	if p != nil {
		p(stage, done, total)
	}
}

// Config is one run of the operation.
type Config struct {
	Method     string       `json:"method"` // repo | retain
	Preset     string       `json:"preset"`
	Trainable  Trainable    `json:"trainable"`
	Train      train.Config `json:"train"`
	MaxPairs   int          `json:"max_pairs"`   // 0: all
	TextSample int          `json:"text_sample"` // tokens of neutral text sampled from the model where no file is given
	Rounding   string       `json:"rounding"`    // one of edit.Roundings
	EditedType string       `json:"edited_type"` // "" keeps the type
	Measure    Measure      `json:"measure"`
}

// Presets lists the names that Preset takes, quickest first.
var Presets = []string{"quick", "standard", "thorough"}

// Preset returns the settings of a name.
func Preset(name string) (Config, error) {
	c := Config{
		Method: "repo", Preset: name, Train: train.Defaults(), Rounding: "auto", TextSample: 16384,
		Trainable: Trainable{How: Carriers, Targets: "auto", To: -1},
	}
	switch name {
	case "quick":
		c.MaxPairs, c.TextSample = 256, 4096
		c.Measure = Measure{Prompts: 50, Greedy: 30, Plain: 30, Tokens: 4096, MaxNew: 20}
	case "standard":
		c.Train.Epochs = 2
		c.Measure = Measure{Prompts: 200, Greedy: 100, Plain: 100, Tokens: 16384, MaxNew: 20}
	case "thorough":
		c.Train.Epochs, c.Measure = 3, Measure{Prompts: 400, Greedy: 400, Plain: 400, MaxNew: 20}
	default:
		return c, fmt.Errorf("surgery: preset %q is not quick, standard or thorough", name)
	}
	return c, nil
}

// Check reports the first setting that is out of range.
func (c Config) Check() error {
	switch {
	case c.Method != "repo" && c.Method != "retain":
		return fmt.Errorf("surgery: method %q is not repo or retain", c.Method)
	case !slices.Contains(edit.Roundings(), edit.Rounding(c.Rounding)):
		return fmt.Errorf("surgery: rounding %q is not one of %v", c.Rounding, edit.Roundings())
	case c.MaxPairs < 0 || c.TextSample < 0:
		return fmt.Errorf("surgery: pairs %d and text tokens %d must not be negative", c.MaxPairs, c.TextSample)
	}
	switch c.Trainable.How {
	case Carriers, Grid, Delta, Columns:
	default:
		return fmt.Errorf("surgery: train %q is not carriers, grid, delta or columns", c.Trainable.How)
	}
	return c.Train.Check()
}
