package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves the flags of a command line before its file names: the parser
// stops at the first argument that is not a flag, and people write `diff A B --json`.
// What follows "--" stays.
func flagsFirst(args []string, commands []*cli.Command) []string {
	if len(args) > 0 && args[len(args)-1] == "--generate-bash-completion" { // has to stay the last one
		return args
	}
	n := 1 // words that name the command
	var c *cli.Command
	for ; n < len(args); n++ {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[n]) })
		if i < 0 {
			break
		}
		c, commands = commands[i], commands[i].Subcommands
	}
	if c == nil {
		return args
	}
	var flags, files []string
	rest := args[n:]
	for len(rest) > 0 {
		a := rest[0]
		rest = rest[1:]
		if a == "--" {
			files = append(append(files, a), rest...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			files = append(files, a)
			continue
		}
		flags = append(flags, a)
		if takesValue(c, a) && len(rest) > 0 {
			flags, rest = append(flags, rest[0]), rest[1:]
		}
	}
	return slices.Concat(args[:n], flags, files)
}

// takesValue tells whether the next argument belongs to a flag.
func takesValue(c *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), name) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue()
		}
	}
	return false
}
