package op_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/onnx/op"
)

var update = flag.Bool("update", false, "write the lists of cases that do not pass")

// TestNodes runs the node tests of ONNX, TestMicrosoft nodes of onnxruntime's domain.
// What does not pass is in a list beside the archive, which has to be exact: a case that
// fails without being in it is a fault, and so is one in it that passes.
func TestNodes(t *testing.T)     { goldens(t, "nodes") }
func TestMicrosoft(t *testing.T) { goldens(t, "microsoft") }

// TestOnnxruntime runs more of them, old definitions of ONNX's operators, loops and
// functions.
func TestOnnxruntime(t *testing.T) { goldens(t, "ort") }

// TestModels runs small classifiers and language models in the graphs that exporters and
// onnxruntime's optimizer make of them.
func TestModels(t *testing.T) { goldens(t, "models") }

// untested are operators that no golden reaches.
var untested = map[string]string{"com.microsoft.BiasSoftmax": "onnxruntime has it on GPUs alone; TestBiasSoftmax"}

// TestRowsAreTested wants every row of the table in a golden.
func TestRowsAreTested(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"nodes", "microsoft", "ort"} {
		known := readKnown(t, filepath.Join("testdata", name+"_known.txt"))
		archive(t, filepath.Join("testdata", name+".zip"), func(test string, m *onnx.Model) {
			if known[test] != "" {
				return
			}
			m.Graphs(func(g *onnx.Graph) {
				for _, n := range g.Nodes {
					seen[n.Domain+"."+n.Op] = true
				}
			})
		})
	}
	for _, r := range op.Rows() {
		k := r.Domain + "." + r.Name
		if seen[k] == (untested[k] != "") {
			t.Errorf("%s: in a golden %v, listed %q", k, seen[k], untested[k])
		}
	}
}

func goldens(t *testing.T, name string) {
	t.Helper()
	list := filepath.Join("testdata", name+"_known.txt")
	known := readKnown(t, list)
	found := map[string]string{}
	total := 0
	archive(t, filepath.Join("testdata", name+".zip"), func(test string, m *onnx.Model) {
		total++
		err := runGolden(m)
		switch {
		case err == nil:
		case errors.Is(err, op.ErrUnsupported):
			found[test] = "missing: " + err.Error()
		case errors.Is(err, errWrong):
			found[test] = "wrong: " + err.Error()
		default:
			found[test] = "refused: " + err.Error()
		}
	})
	t.Logf("%d of %d pass", total-len(found), total)
	if *update {
		writeKnown(t, list, found)
		return
	}
	for test, why := range found {
		if kind, _, _ := strings.Cut(why, ":"); kind != known[test] {
			t.Errorf("%s: %s", test, why)
		}
	}
	for test := range known {
		if _, ok := found[test]; !ok {
			t.Errorf("%s passes or is gone: run the test with -update", test)
		}
	}
	if total == 0 {
		t.Error("no cases")
	}
}

// readKnown reads a list of cases and what they are: missing (the operator), refused (by
// an error) or wrong. What follows in a line is for readers.
func readKnown(t *testing.T, path string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, why, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if kind, _, _ := strings.Cut(why, ":"); ok {
			known[name] = kind
		}
	}
	return known
}

func writeKnown(t *testing.T, path string, found map[string]string) {
	t.Helper()
	var lines []string
	for test, why := range found {
		lines = append(lines, fmt.Sprintf("%s\t%s\n", test, strings.ReplaceAll(why, "\n", " ")))
	}
	slices.Sort(lines)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}
