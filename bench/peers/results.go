package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

const schema = 1

// results are the figures of one processor.
type results struct {
	Schema   int                `json:"schema"`
	CPU      string             `json:"cpu"`
	Cores    int                `json:"cores"`
	OS       string             `json:"os"`
	Go       string             `json:"go"`
	Commit   string             `json:"commit"`
	Date     string             `json:"date"`
	Versions map[string]string  `json:"versions"` // of the peers, by name
	Skipped  []skip             `json:"skipped"`
	Rows     []row              `json:"rows"`
	Shares   map[string]float64 `json:"shares"` // of the processor's limits: what -check measures again

	ran []string // groups that this run measured
}

// skip is a contender that could not run in a group.
type skip struct {
	Group string `json:"group"`
	Peer  string `json:"peer"`
	Why   string `json:"why"`
}

// row is one measurement of all contenders.
type row struct {
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Unit    string  `json:"unit"`
	Threads int     `json:"threads"`
	Lower   bool    `json:"lower_is_better,omitempty"`
	Rounds  int     `json:"rounds"`
	Load    float64 `json:"load_before"` // 1-minute load average when the run began; 0: not known
	Ours    figure  `json:"ours"`
	Share   float64 `json:"share_of_limit,omitempty"`
	Peers   []peer  `json:"peers"`
}

// figure is the median of the rounds, with their range.
type figure struct {
	Value float64 `json:"value"`
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

type peer struct {
	Name string `json:"name"`
	figure
	Ratio float64 `json:"ratio"` // above 1: ours is better
}

// ratio tells how many times better our figure is than v.
func (r *row) ratio(v float64) float64 {
	a, b := r.Ours.Value, v
	if r.Lower {
		a, b = b, a
	}
	if b == 0 {
		return 0
	}
	return round(a / b)
}

// round keeps four significant digits.
func round(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	return v
}

// load reads a file of results; fs.ErrNotExist if there is none.
func load(path string) (*results, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r results
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Schema != schema {
		return nil, fmt.Errorf("%s: schema %d, not %d", path, r.Schema, schema)
	}
	return &r, nil
}

// save writes r, with the rows, shares and versions of an earlier file that r
// has no newer ones of, unless whole says that r has all there is.
func (r *results) save(path string, whole bool) error {
	old, err := load(path)
	switch {
	case err == nil && !whole:
		r.merge(old)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// merge takes from old what r lacks. Rows keep old's order, new ones follow.
func (r *results) merge(old *results) {
	rows := slices.Clone(old.Rows)
	for _, n := range r.Rows {
		if i := slices.IndexFunc(rows, func(o row) bool { return o.ID == n.ID }); i >= 0 {
			rows[i] = n
		} else {
			rows = append(rows, n)
		}
	}
	r.Rows = rows
	versions := maps.Clone(old.Versions)
	maps.Copy(versions, r.Versions)
	r.Versions = versions
	if len(r.Shares) == 0 {
		r.Shares = old.Shares
	}
	for _, k := range old.Skipped {
		if !slices.Contains(r.ran, k.Group) {
			r.Skipped = append(r.Skipped, k)
		}
	}
}
