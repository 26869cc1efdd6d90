package main

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/simd"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "version, Go version and the vector tier in use",
		Flags: []cli.Flag{jsonFlag},
		Action: func(c *cli.Context) error {
			if err := simd.TierError(); err != nil {
				return usageError{err}
			}
			if c.Bool("json") {
				return printJSON("version", map[string]string{"version": version, "go": runtime.Version(), "tier": simd.Active().String()})
			}
			fmt.Printf("detox-surgery %s, %s, %s/%s, simd %s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, simd.Active())
			return nil
		},
	}
}
