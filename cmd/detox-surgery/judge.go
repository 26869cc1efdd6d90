package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/train/data"
)

func judgeCommand() *cli.Command {
	return &cli.Command{
		Name: "judge", Usage: "train, test and use the built-in toxicity judge",
		Subcommands: []*cli.Command{
			{
				Name: "train", Usage: "train the judge on a TSV with the columns toxic, neutral1, neutral2, neutral3",
				Flags: []cli.Flag{
					jsonFlag, quietFlag, forceFlag,
					&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Required: true},
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Required: true},
					&cli.StringFlag{Name: "prose", Usage: "ordinary text, which the judge learns to leave alone"},
				},
				Action: judgeTrain,
			},
			{
				Name: "test", Usage: "AUC, calibration error and accuracy on a labelled TSV",
				Flags: []cli.Flag{
					jsonFlag, &cli.StringFlag{Name: "file", Aliases: []string{"f"}, Required: true},
					&cli.StringFlag{Name: "judge", Usage: "judge file (default: the built-in one)"},
				},
				Action: judgeTest,
			},
			{
				Name: "score", Usage: "score texts, one a line", ArgsUsage: "FILE",
				Flags:  []cli.Flag{jsonFlag, &cli.StringFlag{Name: "judge", Usage: "judge file (default: the built-in one), or words"}},
				Action: judgeScore,
			},
		},
		Action: func(*cli.Context) error { return usagef("judge: name a step: train, test or score") },
	}
}

// loadJudge returns the judge that a flag names.
func loadJudge(path string) (eval.Judge, error) {
	switch path {
	case "":
		return eval.Default(), nil
	case "words":
		return eval.WordList(), nil
	}
	return eval.LoadJudge(path)
}

func judgeTrain(c *cli.Context) error {
	if err := refuseExisting(c.String("output"), c.Bool("force")); err != nil {
		return err
	}
	rows, err := eval.ReadJudgeRows(c.String("file"))
	if err != nil {
		return err
	}
	var o eval.JudgeOptions
	if path := c.String("prose"); path != "" {
		if o.Prose, err = eval.ReadProse(path); err != nil {
			return err
		}
	}
	j, report, err := eval.TrainJudge(rows, o)
	if err != nil {
		return err
	}
	if err := eval.SaveJudge(c.String("output"), j); err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON("judge train", report)
	}
	fmt.Printf("%s: %+v\n", c.String("output"), report)
	return nil
}

func judgeTest(c *cli.Context) error {
	j, err := loadJudge(c.String("judge"))
	if err != nil {
		return err
	}
	rows, err := eval.ReadJudgeRows(c.String("file"))
	if err != nil {
		return err
	}
	texts, toxic := eval.LabelledTexts(rows)
	scores := make([]float64, len(texts))
	for i, t := range texts {
		scores[i] = j.Toxic(t)
	}
	r := eval.Classify(scores, toxic)
	if c.Bool("json") {
		return printJSON("judge test", r)
	}
	fmt.Printf("%s on %d texts: %+v\n", j.Name(), len(texts), r)
	return nil
}

func judgeScore(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("judge score takes one file, not %d", c.NArg())
	}
	j, err := loadJudge(c.String("judge"))
	if err != nil {
		return err
	}
	texts, err := data.ReadPrompts(c.Args().First())
	if err != nil {
		return err
	}
	type row struct {
		Score float64 `json:"score"`
		Text  string  `json:"text"`
	}
	rows := make([]row, len(texts))
	for i, t := range texts {
		rows[i] = row{j.Toxic(t), t}
	}
	if c.Bool("json") {
		return printJSON("judge score", rows)
	}
	for _, r := range rows {
		fmt.Printf("%.4f\t%s\n", r.Score, r.Text)
	}
	return nil
}
