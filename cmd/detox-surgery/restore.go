package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/surgery/edit"
)

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "give the original back, bit for bit, from an edited model and its undo file",
		Flags: []cli.Flag{
			modelFlag(), jsonFlag, quietFlag, forceFlag,
			&cli.StringFlag{Name: "undo", Usage: "undo file (default: MODEL.undo)"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "file to write", Required: true},
		},
		Action: func(c *cli.Context) error {
			in, err := modelPath(c.String("model"))
			if err != nil {
				return err
			}
			undo := c.String("undo")
			if undo == "" {
				undo = in + ".undo"
			}
			whole, _, done, err := wholeModel(in, c.String("output"))
			if err != nil {
				return err
			}
			sum, err := edit.Restore(whole, undo, c.String("output"), c.Bool("force"))
			if err = errors.Join(err, done()); err != nil {
				return err
			}
			if c.Bool("json") {
				return printJSON("restore", map[string]string{"output": c.String("output"), "sha256": sum})
			}
			fmt.Printf("%s\tsha256 %s\n", c.String("output"), sum)
			return nil
		},
	}
}
