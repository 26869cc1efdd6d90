// Detox-surgery finds the neurons of a quantized language model that carry
// toxicity, trains a REPO edit on the CPU and writes the model back in the same
// format at the same quantization.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/urfave/cli/v2"
)

// version is what provenance keys and reports carry.
const version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	go func() { // a second interrupt ends the process at once
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args))
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string) int {
	app := &cli.App{
		Name:                 "detox-surgery",
		Usage:                "remove toxicity from quantized language models, on the CPU, in the file",
		Version:              version,
		EnableBashCompletion: true,
		HideHelpCommand:      true,
		Commands:             commands(),
		ExitErrHandler:       func(*cli.Context, error) {},
		OnUsageError:         func(_ *cli.Context, err error, _ bool) error { return usageError{err} },
		CommandNotFound:      func(c *cli.Context, name string) {},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("unknown command %q; see detox-surgery --help", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, c := range app.Commands {
		c.OnUsageError = app.OnUsageError
	}
	err := app.RunContext(ctx, flagsFirst(args, app.Commands))
	if err == nil {
		return 0
	}
	code := exitCode(err)
	if !errors.Is(err, errSilent) {
		fmt.Fprintf(os.Stderr, "detox-surgery: %v\n", err)
	}
	return code
}

// commands lists the subcommands, a file each.
func commands() []*cli.Command {
	return []*cli.Command{
		applyCommand(), inspectCommand(), localizeCommand(), trainCommand(), evalCommand(), pairsCommand(),
		generateCommand(), diffCommand(), restoreCommand(), splitCommand(), mergeCommand(), quantizeCommand(), exportCommand(), pullCommand(), judgeCommand(), benchCommand(), formatsCommand(), versionCommand(),
	}
}
