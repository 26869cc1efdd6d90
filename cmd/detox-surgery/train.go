package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/surgery"
)

func trainCommand() *cli.Command {
	return &cli.Command{
		Name: "train", Usage: "train an edit and keep it in a file",
		Flags: append([]cli.Flag{
			modelFlag(), &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "edit file (safetensors)", Required: true},
		}, trainingFlags()...),
		Action: func(c *cli.Context) error {
			cfg, err := config(c)
			if err != nil {
				return err
			}
			in, err := trainingInput(c)
			if err != nil {
				return err
			}
			if err := refuseExisting(c.String("output"), c.Bool("force")); err != nil {
				return err
			}
			if in.Pool, err = newPool(c); err != nil {
				return err
			}
			defer in.Pool.Close()
			bar := newProgress(c)
			out, err := surgery.Train(c.Context, in, cfg, bar.report)
			bar.close()
			if err != nil {
				return err
			}
			if err := out.Edit.Save(c.String("output"), c.Bool("force"), false); err != nil {
				return err
			}
			if c.Bool("json") {
				return printJSON("train", map[string]any{"edit": c.String("output"), "config": cfg, "steps": out.Curves})
			}
			last := out.Curves[len(out.Curves)-1]
			fmt.Printf("%s: %d tensors, %d steps; KL pairs %.4f, text %.4f, context %.4f; discriminator %.0f %%; %.0f tokens/s\n",
				c.String("output"), len(out.Edit.Parts), last.Step, last.KLPairs, last.KLText, last.KLContext, 100*last.DiscAcc, last.TokensPerS)
			return nil
		},
	}
}
