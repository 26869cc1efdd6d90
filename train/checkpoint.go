package train

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/train/nn"
	"github.com/detox-surgery/detox-surgery/train/optim"
)

// ErrCheckpoint is wrapped by errors about checkpoints that do not fit the run.
var ErrCheckpoint = errors.New("train: checkpoint does not fit this run")

// checkpoint is the file that a run can go on from: everything that a step
// depends on besides the files and the configuration.
type checkpoint struct {
	Version   int
	Config    Config
	Pairs     int
	Step      int
	Names     []string
	X         [][]float32
	Opt       optim.State
	DiscX     [][]float32
	DiscOpt   optim.State
	Collected []StepStats
}

const checkpointVersion = 1

func values(ps []*nn.Param) (names []string, x [][]float32) {
	for _, p := range ps {
		names, x = append(names, p.Name), append(x, p.X)
	}
	return names, x
}

// save writes a checkpoint in one atomic step; an empty path saves nothing.
func (t *Trainer) save(path string) error {
	if path == "" {
		return nil
	}
	c := checkpoint{Version: checkpointVersion, Config: t.cfg, Pairs: len(t.pairs), Step: t.step, Opt: t.opt.State(), DiscOpt: t.disc.Optimizer().State(), Collected: t.stats}
	c.Names, c.X = values(t.params)
	_, c.DiscX = values(t.disc.Params())
	err := gguf.WriteFile(path, true, func(w io.Writer) error { return gob.NewEncoder(w).Encode(&c) })
	if err != nil {
		return fmt.Errorf("train: saving checkpoint: %w", err)
	}
	return nil
}

// Resume loads a checkpoint of the same configuration, data and parameters.
func (t *Trainer) Resume(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	var c checkpoint
	if err := gob.NewDecoder(f).Decode(&c); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCheckpoint, path, err)
	}
	if c.Config.Precision == "" { // from before there was a choice
		c.Config.Precision = nn.F32
	}
	if c.Version != checkpointVersion || c.Config.withoutMemory() != t.cfg.withoutMemory() || c.Pairs != len(t.pairs) {
		return fmt.Errorf("%w: %s was made with other settings or data", ErrCheckpoint, path)
	}
	names, x := values(t.params)
	_, dx := values(t.disc.Params())
	if !fits(c.Names, names, c.X, x) || !fits(nil, nil, c.DiscX, dx) || !fits(nil, nil, c.Opt.M, x) || !fits(nil, nil, c.Opt.V, x) ||
		!fits(nil, nil, c.DiscOpt.M, dx) || !fits(nil, nil, c.DiscOpt.V, dx) {
		return fmt.Errorf("%w: %s has other parameters", ErrCheckpoint, path)
	}
	for i := range x {
		copy(x[i], c.X[i])
	}
	for i := range dx {
		copy(dx[i], c.DiscX[i])
	}
	t.opt.Restore(c.Opt)
	t.disc.Optimizer().Restore(c.DiscOpt)
	t.step, t.stats = c.Step, c.Collected
	t.sync()
	return nil
}

func fits(namesA, namesB []string, a, b [][]float32) bool {
	if len(namesA) != len(namesB) || len(a) != len(b) {
		return false
	}
	for i := range namesA {
		if namesA[i] != namesB[i] {
			return false
		}
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			return false
		}
	}
	return true
}
