package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The part of README.md that the results make. The first marker names the file;
// without a name the part is unmeasured.
var speedPart = regexp.MustCompile(`(?s)<!-- speed:([^\n]*?) -->\n(.*?)<!-- /speed -->`)

const unmeasured = "The table is not measured yet: `make bench-peers`, then `go run ./bench/peers -readme -results FILE`.\n"

// replaceSpeed returns text with its part made from the results in file, or, if
// file is empty, in the file that the part names.
func replaceSpeed(text, root, file string) (string, error) {
	at := speedPart.FindStringSubmatchIndex(text)
	if at == nil {
		return "", fmt.Errorf("no <!-- speed: FILE --> ... <!-- /speed --> in %s", readmePath)
	}
	if file == "" {
		file = strings.TrimSpace(text[at[2]:at[3]])
	}
	body := unmeasured
	if file != "" {
		r, err := load(filepath.Join(root, file))
		if err != nil {
			return "", err
		}
		body = r.table()
		file = " " + filepath.ToSlash(file)
	}
	return text[:at[0]] + "<!-- speed:" + file + " -->\n" + body + "<!-- /speed -->" + text[at[1]:], nil
}

// writeReadme replaces the part in the file path.
func writeReadme(path, file string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, err := replaceSpeed(string(text), ".", file)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(out), 0o644)
}
