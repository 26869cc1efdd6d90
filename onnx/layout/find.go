// Package layout knows how folders with ONNX models are arranged, and what the configuration beside a model says.
//
// The layouts are those of optimum (model.onnx beside config.json and tokenizer.json), of the repositories for
// transformers.js (a folder onnx with a model_*.onnx for each precision, the configuration in the folder above) and of
// onnxruntime-genai (genai_config.json, which names the model's file).
package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/detox-surgery/detox-surgery/internal/jsonfile"
)

const (
	maxConfig = 16 << 20 // bytes of a configuration
	maxListed = 20       // models in a message
	inner     = "onnx"   // the folder of transformers.js
)

// besides are the files that show that a folder is the model's: the first two describe it, the others are tokenizers.
var besides = []string{"config.json", "genai_config.json", "tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model"}

// Find returns the model file that path stands for, which is a file or a folder, and the folder with its
// configuration and tokenizer: the model's own or, for one in a folder onnx, the folder above. dir is "" if neither
// has any. A folder with several models is refused, with their names, unless genai_config.json says which it is.
func Find(path string) (model, dir string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	model = path
	if info.IsDir() {
		if model, err = inFolder(path); err != nil {
			return "", "", err
		}
	}
	return model, besideModel(model), nil
}

// inFolder picks the model of a folder.
func inFolder(dir string) (string, error) {
	named, err := namedByGenai(dir)
	if err != nil || named != "" {
		return named, err
	}
	for _, d := range []string{dir, filepath.Join(dir, inner)} {
		models, err := modelsIn(d)
		if err != nil && !(d != dir && errors.Is(err, fs.ErrNotExist)) {
			return "", err
		}
		switch {
		case len(models) == 1:
			return filepath.Join(d, models[0]), nil
		case len(models) > maxListed:
			return "", fmt.Errorf("%s has %d models, among them %s: name the file of one", d, len(models), strings.Join(models[:maxListed], ", "))
		case len(models) > 1:
			return "", fmt.Errorf("%s has %d models: name the file of one: %s", d, len(models), strings.Join(models, ", "))
		}
	}
	return "", fmt.Errorf("%s has no .onnx file, nor has a folder %s in it", dir, inner)
}

// namedByGenai returns the model file that genai_config.json names, "" if there is none such file.
func namedByGenai(dir string) (string, error) {
	var c struct {
		Model struct {
			Decoder struct{ Filename string }
		}
	}
	const file = "genai_config.json"
	if err := jsonfile.Optional(os.DirFS(dir), file, maxConfig, &c); err != nil {
		return "", fmt.Errorf("%s: %w", dir, err)
	}
	name := c.Model.Decoder.Filename
	if name == "" {
		return "", nil
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s: %s names the model %q, want a file in the same folder", dir, file, name)
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s: %s names a model that is not there: %w", dir, file, err)
	}
	return path, nil
}

// modelsIn lists the .onnx files of a folder, in order.
func modelsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var models []string
	for _, e := range entries {
		if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ".onnx") {
			models = append(models, e.Name())
		}
	}
	slices.Sort(models)
	return models, nil
}

// besideModel returns the folder with the model's configuration.
func besideModel(model string) string {
	dir := filepath.Dir(model)
	if hasAny(dir) {
		return dir
	}
	abs, err := filepath.Abs(dir)
	if err == nil && filepath.Base(abs) == inner {
		if above := filepath.Join(dir, ".."); hasAny(above) {
			return above
		}
	}
	return ""
}

func hasAny(dir string) bool {
	return slices.ContainsFunc(besides, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && !info.IsDir()
	})
}
