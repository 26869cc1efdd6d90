package train

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/loss"
	"github.com/detox-surgery/detox-surgery/train/nn"
	"github.com/detox-surgery/detox-surgery/train/optim"
)

// Config is a training run, without the choice of what trains.
type Config struct {
	Epochs       int     `json:"epochs"`
	Batch        int     `json:"batch"` // pairs a step
	LR           float64 `json:"learning_rate"`
	Warmup       int     `json:"warmup"`        // steps of linear warm-up
	Floor        float64 `json:"lr_floor"`      // share of the learning rate left at the end
	MaxLen       int     `json:"max_len"`       // tokens of one sequence, its context apart
	MaxTokens    int     `json:"max_tokens"`    // tokens of one micro-batch
	ContextLines int     `json:"context_lines"` // most toxic lines before a prompt; 0: no contexts
	ContextShare float64 `json:"context_share"` // share of the pairs that a step shows after toxic lines
	ContextAdv   bool    `json:"context_adv"`   // the adversary also sees the states after toxic contexts
	TextWindows  int     `json:"text_windows"`  // windows of neutral text a step
	TextTokens   int     `json:"text_tokens"`   // tokens of one window
	Seed         uint64  `json:"seed"`
	SaveEvery    int     `json:"save_every"` // steps between checkpoints; 0: none but the last
	Precision    string  `json:"precision"`  // of the products with weights: nn.F32 or nn.Fast
	// ActivationBudget is how many bytes of activations forward keeps for backward;
	// blocks without room are computed twice. 0: no limit. StateCacheBytes is the
	// memory for what enters the lowest trained block, by sequence: it is the same
	// whenever a sequence returns, and the blocks below are skipped. 0: none. Neither
	// changes a bit of the result.
	ActivationBudget int64        `json:"activation_budget"`
	StateCacheBytes  int64        `json:"state_cache_bytes"`
	Objective        loss.REPO    `json:"objective"`
	Optimizer        optim.Config `json:"optimizer"`
}

// Defaults is the configuration that `apply` starts from.
func Defaults() Config {
	return Config{
		Epochs: 1, Batch: 8, LR: 2e-3, Warmup: 10, Floor: 0.1, MaxLen: 64, MaxTokens: 512,
		ContextLines: 4, ContextShare: 0.8, ContextAdv: true, TextWindows: 4, TextTokens: 64, Seed: 1, SaveEvery: 50, Precision: nn.F32,
		StateCacheBytes: 1 << 30,
		Objective: loss.REPO{
			Lambda: 1, Ramp: 10, Variant: loss.Saturating, Positions: loss.Both, Block: -1,
			DiscLR: 1e-3, DiscSteps: 1, RetainPairs: 1, RetainText: 2, RetainContext: 2,
		},
	}
}

// Check reports the first setting that is out of range.
func (c Config) Check() error {
	switch {
	case c.Epochs < 1 || c.Batch < 1:
		return fmt.Errorf("train: epochs and batch must be at least 1, not %d and %d", c.Epochs, c.Batch)
	case !(c.LR > 0):
		return fmt.Errorf("train: learning rate %g is not positive", c.LR)
	case c.MaxLen < 8 || c.MaxLen > 4096:
		return fmt.Errorf("train: max length %d is not within 8..4096", c.MaxLen)
	case c.MaxTokens < 64:
		return fmt.Errorf("train: micro-batch of %d tokens is below 64", c.MaxTokens)
	case c.ActivationBudget < 0 || c.StateCacheBytes < 0:
		return fmt.Errorf("train: activation budget %d and state cache %d must not be negative", c.ActivationBudget, c.StateCacheBytes)
	case c.ContextLines < 0 || !(c.ContextShare >= 0 && c.ContextShare <= 1) || c.TextWindows < 0 || c.TextWindows > 0 && c.TextTokens < 8:
		return fmt.Errorf("train: context lines %d, text windows %d of %d tokens", c.ContextLines, c.TextWindows, c.TextTokens)
	}
	if _, ok := nn.NamedPrecision(c.Precision); !ok {
		return fmt.Errorf("train: precision %q is not %s or %s", c.Precision, nn.F32, nn.Fast)
	}
	return c.Objective.Check()
}

// withoutMemory is c without what no result depends on.
func (c Config) withoutMemory() Config {
	c.ActivationBudget, c.StateCacheBytes = 0, 0
	return c
}

// Data is what a run learns from.
type Data struct {
	Pairs []data.Pair
	Text  []int32 // neutral text as one stream of tokens; windows are cut from it
}

// Steps is the number of optimizer steps that a run over n pairs takes.
func (c Config) Steps(n int) int { return max(1, n/max(1, c.Batch)) * c.Epochs }

// StepStats is what one step measured, for curves and logs. KL is in nats per token.
type StepStats struct {
	Step        int     `json:"step"`
	Steps       int     `json:"steps"`
	KLPairs     float64 `json:"kl_pairs"`
	KLText      float64 `json:"kl_text"`
	KLContext   float64 `json:"kl_context"`
	DiscLoss    float64 `json:"disc_loss"`
	DiscAcc     float64 `json:"disc_accuracy"`
	Lambda      float64 `json:"lambda"`
	LR          float64 `json:"lr"`
	GradNorm    float64 `json:"grad_norm"`
	Tokens      int     `json:"tokens"`
	TokensPerS  float64 `json:"tokens_per_s"`
	AdversaryMS float64 `json:"adversary_ms"`
	// Of the tokens that went through the model or the original, how many began at
	// the lowest trained block because the state cache knew their sequence, and how
	// many did not. Both are 0 without a cache.
	StateHits   int `json:"state_hits"`
	StateMisses int `json:"state_misses"`
}
