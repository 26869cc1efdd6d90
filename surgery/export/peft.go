package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/detox-surgery/detox-surgery/internal/atomicfile"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// The files of a PEFT adapter; the one that names the other comes last.
const (
	peftWeights = "adapter_model.safetensors"
	peftConfig  = "adapter_config.json"
)

// loraConfig is what PEFT reads, see LoraConfig there.
type loraConfig struct {
	PeftType      string         `json:"peft_type"`
	TaskType      string         `json:"task_type"`
	BaseModel     *string        `json:"base_model_name_or_path"`
	Rank          int            `json:"r"`
	Alpha         int            `json:"lora_alpha"`
	Dropout       float64        `json:"lora_dropout"`
	Bias          string         `json:"bias"`
	FanInFanOut   bool           `json:"fan_in_fan_out"`
	InitWeights   bool           `json:"init_lora_weights"`
	InferenceMode bool           `json:"inference_mode"`
	Targets       []string       `json:"target_modules"`
	Ranks         map[string]int `json:"rank_pattern"`
}

func checkPEFT(in *Input, out string) error {
	if arch, ok := in.Parent.String("general.architecture"); !ok || layouts[arch].blocks == "" {
		return fmt.Errorf("export: %w: no names of modules are known for architecture %q", model.ErrUnsupported, arch)
	}
	for _, name := range []string{peftWeights, peftConfig} {
		path := filepath.Join(out, name)
		if _, err := os.Lstat(path); err == nil && !in.Force {
			return fmt.Errorf("export: write %s: %w", path, fs.ErrExist)
		}
	}
	return checkRank(in, out)
}

// writePEFT writes the folder out. The names are those of transformers, and the rows
// of a tensor that conversion has moved are where they were.
func writePEFT(ctx context.Context, in *Input, out string) (*Result, error) {
	m, err := model.Open(in.Parent)
	if err != nil {
		return nil, err
	}
	c := m.Config()
	l := layouts[c.Arch]
	ad, err := approximate(ctx, in, func(ch *Change) string {
		role, ok := model.RoleOfTensor(ch.Name)
		switch {
		case !ok || l.module(role) == "" || ch.Experts > 1:
			return "no linear layer of its own in transformers"
		case role.Kind == model.TokenEmbd && m.Tied():
			return "the embedding is the head as well, and PEFT would apply the adapter to one of them"
		}
		return ""
	})
	if err != nil {
		return nil, err
	}
	cfg := loraConfig{
		PeftType: "LORA", TaskType: "CAUSAL_LM", Rank: ad.alpha, Alpha: ad.alpha, Bias: "none",
		FanInFanOut: l.transpose, InitWeights: true, InferenceMode: true, Ranks: map[string]int{},
	}
	if in.BaseModel != "" {
		cfg.BaseModel = &in.BaseModel
	}
	var arrays []edit.Floats
	for i, p := range ad.parts {
		role, _ := model.RoleOfTensor(p.c.Name)
		name := l.module(role)
		ad.res.Tensors[i].As = name
		cfg.Targets = append(cfg.Targets, name)
		if p.rank != ad.alpha {
			cfg.Ranks[name] = p.rank
		}
		b := p.b
		if move := l.rows[role.Kind]; move != nil {
			b = make([]float32, len(p.b))
			for r := range p.c.Rows {
				to := move(&c, r)
				copy(b[to*p.rank:(to+1)*p.rank], p.b[r*p.rank:])
			}
		}
		arrays = append(arrays, p.peft("base_model.model."+name, b, role.Kind == model.TokenEmbd)...)
	}
	ad.res.Files, err = placePEFT(out, in.Force, arrays, &cfg)
	return &ad.res, err
}

// peft are the arrays of one module. An embedding is adapted as the matrix of its
// transpose: lora_embedding_A [rank, V] and lora_embedding_B [D, rank].
func (p *adapterPart) peft(name string, b []float32, embedding bool) []edit.Floats {
	n, k, r := p.c.Rows, p.c.Cols, p.rank
	if embedding {
		return []edit.Floats{
			{Name: name + ".lora_embedding_A", Shape: []int{r, n}, X: transposed(b, n, r)},
			{Name: name + ".lora_embedding_B", Shape: []int{k, r}, X: transposed(p.a, r, k)},
		}
	}
	return []edit.Floats{
		{Name: name + ".lora_A.weight", Shape: []int{r, k}, X: p.a},
		{Name: name + ".lora_B.weight", Shape: []int{n, r}, X: b},
	}
}

// placePEFT writes both files. A folder that it made does not stay if that fails.
func placePEFT(dir string, force bool, arrays []edit.Floats, cfg *loraConfig) (names []string, err error) {
	made := false
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		made = true
	}
	defer func() {
		if err != nil && made {
			err = errors.Join(err, os.Remove(dir))
		}
	}()
	weights, err := atomicfile.Create(filepath.Join(dir, peftWeights), force)
	if err != nil {
		return nil, fmt.Errorf("export: write %s: %w", filepath.Join(dir, peftWeights), err)
	}
	defer weights.Discard()
	config, err := atomicfile.Create(filepath.Join(dir, peftConfig), force)
	if err != nil {
		return nil, fmt.Errorf("export: write %s: %w", filepath.Join(dir, peftConfig), err)
	}
	defer config.Discard()
	err = edit.WriteSafetensors(weights, arrays, map[string]string{"format": "pt"})
	if err == nil {
		err = writeJSON(config, cfg)
	}
	if err == nil {
		err = atomicfile.Place(weights, config)
	}
	if err != nil {
		return nil, fmt.Errorf("export: write %s: %w", dir, err)
	}
	return []string{weights.Path(), config.Path()}, nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
