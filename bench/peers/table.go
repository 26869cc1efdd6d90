package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// table is the Markdown of all rows, with what they were measured on.
func (r *results) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %s, %s; %s.\n", r.CPU, r.Cores, r.OS, strings.Join(r.versions(), "; "), r.Date)
	least, load := 0, 0.0
	for i, w := range r.Rows {
		if i == 0 || w.Rounds < least {
			least = w.Rounds
		}
		load = max(load, w.Load)
	}
	fmt.Fprintf(&b, "Medians of %d rounds or more in which the programs took turns", least)
	if load > 0 {
		fmt.Fprintf(&b, "; load average before them %.1f at most", load)
	}
	b.WriteString(". A factor above 1 means that detox-surgery is that many times better.\nLimit: the register-only multiply-add loop of as many threads (a decoded weight counts as one); for writing, reading from memory.\n\n")
	peers := r.peers()
	b.WriteString("| | threads | detox-surgery | of limit |")
	for _, p := range peers {
		b.WriteString(" " + p + " |")
	}
	b.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(peers)) + "\n")
	for _, w := range r.Rows {
		fmt.Fprintf(&b, "| %s | %d | %s %s | %s |", w.Title, w.Threads, number(w.Ours.Value), w.Unit, percent(w.Share))
		for _, name := range peers {
			b.WriteString(" " + w.cell(name) + " |")
		}
		b.WriteByte('\n')
	}
	b.WriteString(r.skipped())
	return b.String()
}

// versions lists what was measured with, each once.
func (r *results) versions() []string {
	list := append(slices.Collect(maps.Values(r.Versions)), r.Go)
	slices.Sort(list)
	return slices.Compact(list)
}

// skipped lists what could not be measured, a line for each peer and reason.
func (r *results) skipped() string {
	var lines []string
	groups := map[string][]string{}
	for _, k := range r.Skipped {
		line := k.Peer + ": " + k.Why
		if groups[line] == nil {
			lines = append(lines, line)
		}
		groups[line] = append(groups[line], k.Group)
	}
	if len(lines) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nNot measured:\n\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "- %s (%s)\n", l, strings.Join(groups[l], ", "))
	}
	return b.String()
}

// peers lists the names of all peers in the order of the rows.
func (r *results) peers() (names []string) {
	for _, w := range r.Rows {
		for _, p := range w.Peers {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// cell is a peer's figure with our factor, empty where it has none.
func (r *row) cell(name string) string {
	for _, p := range r.Peers {
		if p.Name == name {
			return fmt.Sprintf("%s (%.2f x)", number(p.Value), p.Ratio)
		}
	}
	return ""
}

// number prints three digits, or all before the point.
func number(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func percent(share float64) string {
	if share == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}
