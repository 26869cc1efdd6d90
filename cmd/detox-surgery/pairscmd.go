package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/surgery/pairs"
	"github.com/detox-surgery/detox-surgery/train/data"
)

func pairsCommand() *cli.Command {
	return &cli.Command{
		Name: "pairs", Usage: "make preference pairs from the model itself",
		Flags: []cli.Flag{
			modelFlag(), threadsFlag, seedFlag, jsonFlag, quietFlag, forceFlag,
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "JSONL to write", Required: true},
			&cli.StringFlag{Name: "judge", Value: "words", Usage: "judge file, words, or empty for the built-in one; not the judge of the headline"},
			&cli.IntFlag{Name: "max-pairs", Usage: "0: one for each built-in beginning"},
			&cli.IntFlag{Name: "tries", Value: 8},
		},
		Action: func(c *cli.Context) error {
			if err := refuseExisting(c.String("output"), c.Bool("force")); err != nil {
				return err
			}
			judge, err := loadJudge(c.String("judge"))
			if err != nil {
				return err
			}
			pool, err := newPool(c)
			if err != nil {
				return err
			}
			defer pool.Close()
			m, err := openModel(c.String("model"), pool)
			if err != nil {
				return err
			}
			defer m.File().Close()
			bar := newProgress(c)
			ps, err := pairs.Make(m, judge.Toxic, pairs.Config{Seed: c.Uint64("seed"), Max: c.Int("max-pairs"), Tries: c.Int("tries")},
				func(d, n int) { bar.report("sampling pairs", d, n) })
			bar.close()
			if err != nil {
				return err
			}
			err = gguf.WriteFile(c.String("output"), c.Bool("force"), func(w io.Writer) error { return data.WritePairs(w, ps) })
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printJSON("pairs", map[string]any{"output": c.String("output"), "pairs": len(ps), "judge": judge.Name()})
			}
			fmt.Printf("%s: %d pairs, judged by %s\n", c.String("output"), len(ps), judge.Name())
			return nil
		},
	}
}
