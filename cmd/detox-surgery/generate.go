package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/token"
)

func generateCommand() *cli.Command {
	return &cli.Command{
		Name: "generate", Usage: "continue a text, optionally side by side with another model",
		Flags: []cli.Flag{
			modelFlag(), threadsFlag, seedFlag, jsonFlag, quietFlag,
			&cli.StringFlag{Name: "prompt", Aliases: []string{"p"}, Usage: "text to continue"},
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "prompts: JSONL with prompt, or one a line"},
			&cli.StringFlag{Name: "against", Usage: "a second model that continues the same prompts"},
			&cli.IntFlag{Name: "predict", Aliases: []string{"n"}, Value: 32, Usage: "new tokens"},
			&cli.BoolFlag{Name: "sample", Usage: "sample instead of greedy"},
			&cli.Float64Flag{Name: "top-p", Value: 0.9},
			&cli.Float64Flag{Name: "temp", Value: 1},
			int8Flag(),
			&cli.BoolFlag{Name: "chat", Usage: "put the prompt through the model's chat template"},
		},
		Action: generate,
	}
}

type continuation struct {
	Prompt  string `json:"prompt"`
	Text    string `json:"text"`
	Against string `json:"against,omitempty"`
}

func generate(c *cli.Context) error {
	prompts := []string{c.String("prompt")}
	if f := c.String("file"); f != "" {
		var err error
		if prompts, err = data.ReadPrompts(f); err != nil {
			return err
		}
	} else if !c.IsSet("prompt") {
		return usagef("generate: give -p TEXT or -f FILE")
	}
	if n := c.Int("predict"); n < 1 || n > 4096 {
		return usagef("generate: -n must be within 1..4096, not %d", n)
	}
	texts, err := continueAll(c, c.String("model"), prompts)
	if err != nil {
		return err
	}
	out := make([]continuation, len(prompts))
	for i := range out {
		out[i] = continuation{Prompt: prompts[i], Text: texts[i]}
	}
	if a := c.String("against"); a != "" {
		if texts, err = continueAll(c, a, prompts); err != nil {
			return err
		}
		for i := range out {
			out[i].Against = texts[i]
		}
	}
	if c.Bool("json") {
		return printJSON("generate", out)
	}
	for _, r := range out {
		if c.String("against") == "" {
			fmt.Println(r.Prompt + r.Text)
			continue
		}
		fmt.Printf("prompt   %s\nmodel   %s\nagainst %s\n\n", r.Prompt, r.Text, r.Against)
	}
	return nil
}

// continueAll generates with one model and closes it.
func continueAll(c *cli.Context, path string, prompts []string) ([]string, error) {
	pool, err := newPool(c)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	m, err := openModel(path, pool)
	if err != nil {
		return nil, err
	}
	defer m.File().Close()
	tok := m.Tokenizer()
	ids := make([][]int32, len(prompts))
	for i, p := range prompts {
		if c.Bool("chat") {
			text, err := tok.RenderChat([]token.Message{{Role: "user", Content: p}}, true)
			if err != nil {
				return nil, err
			}
			ids[i] = tok.EncodeSpecial(text)
			continue
		}
		ids[i] = append(append([]int32{}, tok.TextStart()...), tok.Encode(p)...)
	}
	made := model.Generate(m, ids, model.GenOptions{
		MaxNew: c.Int("predict"), Sample: c.Bool("sample"), TopP: c.Float64("top-p"), Temp: c.Float64("temp"),
		Seed: c.Uint64("seed"), Stop: tok.EOS(), Int8: c.Bool("int8"),
	})
	out := make([]string, len(made))
	for i, m := range made {
		out[i] = tok.Decode(m)
	}
	return out, nil
}

// int8Flag chooses products with rounded activations, which have no gradient.
func int8Flag() *cli.BoolFlag {
	return &cli.BoolFlag{Name: "int8", Usage: "round activations to 8 bits in products, as llama.cpp does: faster, less exact"}
}
