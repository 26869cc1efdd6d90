package data

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxLine bounds the length of a line in bytes, so that a binary file given by mistake is refused instead of read whole.
const maxLine = 4 << 20

// Pair is one preference: after Prompt, Chosen is wanted and Rejected is not.
type Pair struct {
	Prompt   string `json:"prompt"`
	Chosen   string `json:"chosen"`
	Rejected string `json:"rejected"`
	Context  string `json:"context,omitempty"` // text before the prompt under which Rejected was written, if any
}

// LineError says which line of a file is wrong.
type LineError struct {
	Path string
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("data: %s:%d: %v", e.Path, e.Line, e.Err) }

// Unwrap returns what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// eachLine calls do with every line of a file, without its end; an error of do is wrapped in a *LineError.
func eachLine(path string, do func(line string) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	return scanLines(f, path, do)
}

func scanLines(r io.Reader, path string, do func(line string) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for s.Scan() {
		n++
		line := s.Text()
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if err := do(line); err != nil {
			return &LineError{path, n, err}
		}
	}
	if err := s.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("line of more than %d bytes", maxLine)
		}
		return &LineError{path, n + 1, err}
	}
	return nil
}

// rawPair accepts the two spellings of a pair that are in use.
type rawPair struct {
	Prompt   *string `json:"prompt"`
	Chosen   *string `json:"chosen"`
	Neutral  *string `json:"neutral"`
	Rejected *string `json:"rejected"`
	Toxic    *string `json:"toxic"`
	Context  string  `json:"context"`
}

func (r rawPair) pair() (Pair, error) {
	chosen, rejected := r.Chosen, r.Rejected
	if chosen == nil {
		chosen = r.Neutral
	}
	if rejected == nil {
		rejected = r.Toxic
	}
	switch {
	case r.Prompt == nil:
		return Pair{}, errors.New(`no "prompt"`)
	case chosen == nil || strings.TrimSpace(*chosen) == "":
		return Pair{}, errors.New(`no "chosen" (or "neutral") continuation`)
	case rejected == nil || strings.TrimSpace(*rejected) == "":
		return Pair{}, errors.New(`no "rejected" (or "toxic") continuation`)
	}
	return Pair{Prompt: *r.Prompt, Chosen: *chosen, Rejected: *rejected, Context: r.Context}, nil
}

// ReadPairs reads a JSONL file whose lines have "prompt", "chosen" and "rejected", or "prompt", "neutral" and
// "toxic"; "context" is optional. Empty lines are skipped. A broken line, or no pair at all, is an error.
func ReadPairs(path string) ([]Pair, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	return ParsePairs(f, path)
}

// ParsePairs is ReadPairs on an open file; name stands for it in errors.
func ParsePairs(r io.Reader, name string) ([]Pair, error) {
	var pairs []Pair
	err := scanLines(r, name, func(line string) error {
		if strings.TrimSpace(line) == "" {
			return nil
		}
		var raw rawPair
		if err := json.Unmarshal([]byte(line), &raw); err != nil {
			return err
		}
		p, err := raw.pair()
		if err == nil {
			pairs = append(pairs, p)
		}
		return err
	})
	if err == nil && len(pairs) == 0 {
		err = fmt.Errorf("data: %s: no pairs", name)
	}
	if err != nil {
		return nil, err
	}
	return pairs, nil
}

// WritePairs writes pairs as ReadPairs reads them.
func WritePairs(w io.Writer, pairs []Pair) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, p := range pairs {
		if err := e.Encode(p); err != nil {
			return fmt.Errorf("data: %w", err)
		}
	}
	return nil
}

// ReadPrompts reads one prompt per line: in a .jsonl file the field "prompt", in any other the line itself.
// Empty lines are skipped; a file without prompts is an error.
func ReadPrompts(path string) ([]string, error) {
	isJSON := strings.EqualFold(filepath.Ext(path), ".jsonl")
	var prompts []string
	err := eachLine(path, func(line string) error {
		if strings.TrimSpace(line) == "" {
			return nil
		}
		if isJSON {
			var raw struct {
				Prompt *string `json:"prompt"`
			}
			if err := json.Unmarshal([]byte(line), &raw); err != nil {
				return err
			}
			if raw.Prompt == nil {
				return errors.New(`no "prompt"`)
			}
			line = *raw.Prompt
		}
		prompts = append(prompts, line)
		return nil
	})
	if err == nil && len(prompts) == 0 {
		err = fmt.Errorf("data: %s: no prompts", path)
	}
	if err != nil {
		return nil, err
	}
	return prompts, nil
}

// ReadTSV reads the named columns of a tab-separated file with a header line: one row per line, cells in the
// order of columns. Without names, all columns are read.
func ReadTSV(path string, columns ...string) ([][]string, error) {
	var rows [][]string
	var pick []int
	width := -1
	err := eachLine(path, func(line string) error {
		cells := strings.Split(line, "\t")
		if width < 0 {
			width = len(cells)
			var err error
			pick, err = pickColumns(cells, columns)
			return err
		}
		if line == "" && width > 1 {
			return nil
		}
		if len(cells) != width {
			return fmt.Errorf("%d columns, but the header has %d", len(cells), width)
		}
		row := make([]string, len(pick))
		for i, c := range pick {
			row[i] = cells[c]
		}
		rows = append(rows, row)
		return nil
	})
	if err == nil && width < 0 {
		err = fmt.Errorf("data: %s: empty file", path)
	}
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func pickColumns(header, want []string) ([]int, error) {
	if len(want) == 0 {
		want = header
	}
	pick := make([]int, len(want))
	for i, name := range want {
		pick[i] = -1
		for j, h := range header {
			if h == name {
				pick[i] = j
			}
		}
		if pick[i] < 0 {
			return nil, fmt.Errorf("no column %q among %q", name, header)
		}
	}
	return pick, nil
}

// ReadLines returns the lines of a text file that are not blank.
func ReadLines(path string) ([]string, error) {
	var lines []string
	err := eachLine(path, func(line string) error {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lines, nil
}

// Fingerprint returns the SHA-256 of a file's bytes in hexadecimal.
func Fingerprint(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
