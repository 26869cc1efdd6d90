package main

import (
	"fmt"
	"math"
	"os"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/surgery/locate"
)

func localizeCommand() *cli.Command {
	return &cli.Command{
		Name: "localize", Usage: "rank the neurons that carry toxicity",
		Flags: []cli.Flag{
			modelFlag(), threadsFlag, seedFlag, jsonFlag, quietFlag,
			&cli.StringFlag{Name: "pairs", Usage: "JSONL with prompt, chosen, rejected (default: built in)"},
			&cli.StringFlag{Name: "method", Value: "attribution", Usage: "attribution or contrast"},
			&cli.IntFlag{Name: "max-pairs", Value: 256},
			&cli.IntFlag{Name: "top", Value: 20, Usage: "neurons to print"},
		},
		Action: localize,
	}
}

func localize(c *cli.Context) error {
	in, err := trainingInput(c)
	if err != nil {
		return err
	}
	if _, ok := locate.Find(c.String("method")); !ok {
		return usagef("localize: unknown method %q", c.String("method"))
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
	ps := in.Pairs[:min(len(in.Pairs), max(1, c.Int("max-pairs")))]
	bar := newProgress(c)
	r, err := locate.Run(c.Context, m, locate.Examples(m, ps, 64), locate.Options{
		Method: c.String("method"), Progress: func(d, n int) { bar.report("localizing", d, n) },
	})
	bar.close()
	if err != nil {
		return err
	}
	if top := c.Int("top"); top > 0 && top < len(r.Neurons) && c.Bool("json") {
		r.Neurons = r.Neurons[:top]
	}
	if c.Bool("json") {
		return printJSON("localize", r)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "rank\tneuron\tscore\tshare so far")
	sum := 0.0
	for i, n := range r.Neurons[:min(len(r.Neurons), c.Int("top"))] {
		sum += math.Abs(n.Score)
		fmt.Fprintf(w, "%d\t%s\t%+.5f\t%.1f %%\n", i+1, n, n.Score, 100*sum/r.Total)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Printf("\n%s on %d pairs; two halves of the data: Spearman %.2f, Jaccard of the first 100: %.2f\n", r.Method, r.Examples, r.Stability.Spearman, r.Stability.Jaccard[100])
	return nil
}
