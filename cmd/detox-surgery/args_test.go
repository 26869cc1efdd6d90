package main

import (
	"slices"
	"strings"
	"testing"
)

func TestFlagsFirst(t *testing.T) {
	for in, want := range map[string]string{
		"x diff A B --json":           "x diff --json A B",
		"x inspect F --tensors":       "x inspect --tensors F",
		"x pull smollm2-135m --json":  "x pull --json smollm2-135m",
		"x judge score F --judge J":   "x judge score --judge J F",
		"x judge score F --judge=J":   "x judge score --judge=J F",
		"x diff A -- --json":          "x diff A -- --json",
		"x apply -m M -o O --dry-run": "x apply -m M -o O --dry-run",
		"x nosuch A --json":           "x nosuch A --json",
		"x --version":                 "x --version",
		"x":                           "x",
	} {
		if got := flagsFirst(strings.Fields(in), commands()); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
