package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// rawTensor is an initializer of type UINT8 with n bytes of raw data.
func rawTensor(parts ...[]byte) []byte { return graphField(sub1(5, parts...)) }

func dims(v ...int64) []byte {
	var b []byte
	for _, d := range v {
		b = append(b, num(1, uint64(d))...)
	}
	return b
}

func typeOf(t Type) []byte { return num(2, uint64(t)) }

func external(parts ...[]byte) []byte {
	return rawTensor(append([][]byte{dims(4), typeOf(Uint8), num(14, 1)}, parts...)...)
}

// nested puts a field into itself, depth times.
func nested(depth int, inner []byte, around func([]byte) []byte) []byte {
	for range depth {
		inner = around(inner)
	}
	return inner
}

func deepGraphs(depth int) []byte {
	return nested(depth, graphField(), func(g []byte) []byte {
		body := g[1:] // the same field, numbered 6 in an attribute
		return graphField(sub1(1, text(4, "If"), sub1(5, text(1, "b"), append([]byte{6<<3 | 2}, body...))))
	})
}

func groups(depth int) []byte {
	b := bytes.Repeat([]byte{30<<3&127 | 3 | 128, 1}, depth)
	return append(b, bytes.Repeat([]byte{30<<3&127 | 4 | 128, 1}, depth)...)
}

// hostileCase is a file with what must become of it: refused with an error that
// wraps kind and says text, or, with a nil kind, read.
type hostileCase struct {
	name string
	data []byte
	kind error
	text string
}

func hostile() []hostileCase {
	f, u := ErrFormat, ErrUnsupported
	m := modelBytes
	huge := protowire.AppendVarint([]byte{7<<3 | 2}, 1<<63)
	return []hostileCase{
		{"empty", nil, f, "not an ONNX model"},
		{"text", []byte("hello, this is text\n"), f, ""},
		{"gguf", []byte("GGUF\x03\x00\x00\x00\x00\x00\x00\x00"), f, ""},
		{"zeros", make([]byte, 64), f, "field tag"},
		{"no-ir-version", graphField(), f, "ir_version"},
		{"no-graph", num(1, 8), f, "no graph"},
		{"two-graphs", m(graphField(), graphField()), u, "more than once"},
		{"tag-truncated", append(m(), 0x80), f, "field tag"},
		{"tag-overlong", append(m(), bytes.Repeat([]byte{0xff}, 11)...), f, "field tag"},
		{"field-0", append(m(), 0x02, 0x00), f, "field tag"},
		{"field-2^29", append(m(), protowire.AppendVarint(nil, 1<<32)...), f, ""},
		{"wire-6", append(m(), 30<<3|6&127|128, 1), f, ""},
		{"varint-truncated", append(m(), 5<<3, 0xff, 0xff), f, "model_version"},
		{"varint-overflow", append(append(m(), 5<<3), bytes.Repeat([]byte{0xff}, 10)...), f, "model_version"},
		{"length-truncated", append(m(), 2<<3|2, 0x80), f, "producer_name"},
		{"length-past-end", append(m(), 2<<3|2, 100, 'x'), f, "100 bytes announced, 1 left"},
		{"length-2^63", append(m(), huge...), f, "9223372036854775808 bytes announced"},
		{"length-2^64-1", append(m(), protowire.AppendVarint([]byte{7<<3 | 2}, math.MaxUint64)...), f, "announced"},
		{"inner-length-past-outer", m(graphField([]byte{1<<3 | 2, 50})), f, "graph.node[0]"},
		{"group-not-closed", append(m(), 30<<3&127|3|128, 1), f, ""},
		{"group-not-opened", append(m(), 30<<3&127|4|128, 1), f, ""},
		{"groups-deep", append(m(), groups(20000)...), f, ""},
		{"groups", append(m(), groups(50)...), nil, ""},
		{"wrong-wire-type-is-unknown", m(num(2, 5)), nil, ""},

		{"dim-negative", m(rawTensor(dims(-1), typeOf(Float))), f, "negative"},
		{"dim-min", m(rawTensor(dims(math.MinInt64), typeOf(Float))), f, "negative"},
		{"dims-overflow", m(rawTensor(dims(1<<32, 1<<32), typeOf(Uint8))), f, "overflow"},
		{"dims-overflow-times-0", m(rawTensor(dims(0, 1<<40, 1<<40), typeOf(Uint8))), f, "overflow"},
		{"dims-times-size-overflow", m(rawTensor(dims(1<<61), typeOf(Double))), f, "overflow"},
		{"dims-2^63-1", m(rawTensor(dims(math.MaxInt64), typeOf(Uint8), text(9, "x"))), f, "overflow"},
		{"dims-packed-truncated", m(rawTensor(text(1, "\x80"), typeOf(Uint8))), f, "graph.initializer[0].dims[0]"},
		{"raw-short", m(rawTensor(dims(4), typeOf(Float), text(9, "123"))), f, "3 bytes of raw_data"},
		{"raw-long", m(rawTensor(dims(1), typeOf(Int4), text(9, "12"))), f, "2 bytes of raw_data"},
		{"raw-twice", m(rawTensor(dims(1), typeOf(Uint8), text(9, "1"), text(9, "2"))), u, "more than once"},
		{"raw-and-typed", m(rawTensor(dims(1), typeOf(Uint8), text(9, "1"), num(5, 1))), f, "raw_data and in int32_data"},
		{"two-typed", m(rawTensor(dims(1), typeOf(Int64), num(7, 1), num(5, 1))), f, "int64_data and in int32_data"},
		{"typed-wrong-field", m(rawTensor(dims(1), typeOf(Float), num(7, 1))), f, "FLOAT in int64_data"},
		{"strings-in-raw", m(rawTensor(dims(1), typeOf(String), text(9, "1"))), f, "strings in raw_data"},
		{"segment", m(rawTensor(dims(1), typeOf(Uint8), sub1(3, num(1, 0)))), u, "segments"},
		{"location-2", m(rawTensor(num(14, 2))), u, "data_location 2"},
		{"type-unknown", m(rawTensor(dims(1), typeOf(77), text(9, "1234"))), nil, ""},
		{"no-data", m(rawTensor(dims(1<<40), typeOf(Float))), nil, ""},

		{"external-no-location", m(external()), f, "without a location"},
		{"external-location-empty", m(external(entry(13, "location", ""))), f, "without a location"},
		{"external-absolute", m(external(entry(13, "location", "/etc/passwd"))), f, "absolute"},
		{"external-up", m(external(entry(13, "location", "../x"))), f, "leaves"},
		{"external-up-inside", m(external(entry(13, "location", "a/../../x"))), f, "leaves"},
		{"external-up-and-back", m(external(entry(13, "location", "a/../x"))), f, "leaves"},
		{"external-dot", m(external(entry(13, "location", "."))), f, "no file name"},
		{"external-nul", m(external(entry(13, "location", "a\x00b"))), f, "no file name"},
		{"external-long", m(external(entry(13, "location", strings.Repeat("a", 5000)))), f, "no file name"},
		{"external-location-twice", m(external(entry(13, "location", "a"), entry(13, "location", "b"))), f, "twice"},
		{"external-offset-negative", m(external(entry(13, "location", "a"), entry(13, "offset", "-1"))), f, "external offset"},
		{"external-offset-text", m(external(entry(13, "location", "a"), entry(13, "offset", "1e3"))), f, "external offset"},
		{"external-offset-2^64", m(external(entry(13, "location", "a"), entry(13, "offset", "18446744073709551616"))), f, "external offset"},
		{"external-offset-2^63-1", m(external(entry(13, "location", "a"), entry(13, "offset", "9223372036854775807"))), f, "external data of 4 bytes"},
		{"external-length-wrong", m(external(entry(13, "location", "a"), entry(13, "length", "5"))), f, "external length 5"},
		{"external-strings", m(rawTensor(typeOf(String), num(14, 1), entry(13, "location", "a"))), f, "strings"},
		{"external-unknown-type", m(rawTensor(typeOf(99), num(14, 1), entry(13, "location", "a"))), u, "without a length"},
		{"external-other-keys", m(external(entry(13, "location", "./a"), entry(13, "checksum", "x"), entry(13, "later", ""))), nil, ""},

		{"sparse-without-values", m(graphField(sub1(15))), f, "without values"},
		{"attribute-type-99", m(graphField(sub1(1, sub1(5, num(20, 99))))), u, "attribute type 99"},
		{"graphs-deep", m(deepGraphs(40)), u, "nested more than"},
		{"graphs-nested", m(deepGraphs(30)), nil, ""},
		{"types-deep", m(graphField(sub1(11, nested(60, text(2, ""), func(b []byte) []byte { return sub1(2, sub1(4, append([]byte{1<<3 | 2}, b[1:]...))) })))), u, "nested more than"},
	}
}

func TestHostile(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range hostile() {
		t.Run(h.name, func(t *testing.T) {
			if seen[h.name] {
				t.Fatal("name occurs twice")
			}
			seen[h.name] = true
			m, err := Parse(h.data)
			if h.kind == nil {
				if err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				if _, err := m.WriteTo(&out, Edits{}); err != nil || !bytes.Equal(out.Bytes(), h.data) {
					t.Errorf("not written unchanged: %v", err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, h.kind) || !strings.Contains(err.Error(), h.text) {
				t.Fatalf("got %v, want %v and %q", err, h.kind, h.text)
			}
			if errors.Is(err, ErrFormat) && errors.Is(err, ErrUnsupported) || e.Field == "" || e.Offset < 0 || e.Offset > int64(len(h.data)) || len(err.Error()) > 1500 {
				t.Errorf("a bad error: %v", err)
			}
		})
	}
}

// TestTruncated: what is cut off a file is missed, except between two fields of
// the model itself.
func TestTruncated(t *testing.T) {
	dir, _ := golden(t)
	data := get(t, dir+"/control.onnx")
	m, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	ends := map[int64]bool{}
	m.Walk(func(f Field) {
		if f.Depth == 0 {
			ends[f.Content.End] = true
		}
	})
	for n := range len(data) {
		if _, err := Parse(data[:n:n]); err == nil && !ends[int64(n)] {
			t.Fatalf("the first %d bytes were accepted", n)
		}
	}
}

// TestLateErrors: elements are looked at when they are asked for.
func TestLateErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		text string
	}{
		{"no data", rawTensor(dims(1<<40), typeOf(Float)), "no data"},
		{"count", rawTensor(dims(1<<40), typeOf(Float), num(4, 0)[:0], sub1(4, make([]byte, 8))), "2 values in float_data"},
		{"packed truncated", rawTensor(dims(2), typeOf(Int64), sub1(7, []byte{1, 0x80})), "packed value"},
		{"packed odd", rawTensor(dims(2), typeOf(Float), sub1(4, make([]byte, 7))), "packed value"},
		{"unknown type", rawTensor(dims(1), typeOf(77), text(9, "1234")), "type 77"},
	} {
		x := model(t, c.data).Tensors[0]
		for _, read := range []func() error{
			func() error { _, err := x.Raw(); return err },
			func() error { _, err := x.Float32s(); return err },
		} {
			var e *Error
			if err := read(); !errors.As(err, &e) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

// TestMemory: files of as many small parts as their size allows are refused or read
// within their size and 64 MB.
func TestMemory(t *testing.T) {
	const size = 6 << 20
	numbered := func(unit func(name string) []byte) []byte {
		var b []byte
		for i := 0; len(b) < size; i++ {
			b = append(b, unit(fmt.Sprintf("%x", i))...)
		}
		return b
	}
	fill := func(unit []byte) []byte { return bytes.Repeat(unit, size/len(unit)) }
	for name, data := range map[string][]byte{
		"nodes":        modelBytes(graphField(fill(sub1(1)))),
		"inputs":       modelBytes(graphField(sub1(1, fill(text(1, ""))))),
		"input-names":  modelBytes(graphField(sub1(1, numbered(func(s string) []byte { return text(1, s) })))),
		"node-names":   modelBytes(graphField(numbered(func(s string) []byte { return sub1(1, text(3, s), text(2, s)) }))),
		"attributes":   modelBytes(graphField(sub1(1, fill(sub1(5))))),
		"tensors":      modelBytes(graphField(fill(sub1(5)))),
		"dims":         modelBytes(graphField(sub1(5, fill(num(1, 1))))),
		"dims-packed":  modelBytes(graphField(sub1(5, text(1, string(fill([]byte{1})))))),
		"dims-several": modelBytes(graphField(sub1(5, fill(text(1, "\x01\x01"))))),
		"value-infos":  modelBytes(graphField(fill(sub1(13)))),
		"types":        modelBytes(graphField(fill(sub1(13, sub1(2, sub1(1, sub1(2, sub1(1)))))))),
		"shape":        modelBytes(graphField(sub1(13, sub1(2, sub1(1, sub1(2, fill(sub1(1)))))))),
		"metadata":     modelBytes(fill(sub1(14))),
		"opsets":       modelBytes(fill(sub1(8))),
		"functions":    modelBytes(fill(sub1(25))),
		"training":     modelBytes(fill(sub1(20))),
		"annotations":  modelBytes(graphField(fill(sub1(14)))),
		"graphs":       modelBytes(graphField(sub1(1, sub1(5, fill(sub1(11)))))),
		"sparse":       modelBytes(graphField(fill(sub1(15, sub1(1))))),
		"external":     modelBytes(graphField(fill(sub1(5, typeOf(Uint8), num(14, 1), entry(13, "location", "a"))))),
		"files":        modelBytes(graphField(numbered(func(s string) []byte { return sub1(5, typeOf(Uint8), num(14, 1), entry(13, "location", s)) }))),
		"unknown":      modelBytes(fill(num(30, 1))),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := Parse(data)
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		t.Logf("%-12s %3d MB, refused: %v", name, used>>20, err != nil)
		if used > uint64(len(data))+64<<20 {
			t.Errorf("%s: %d MB allocated for a file of %d MB", name, used>>20, len(data)>>20)
		}
		if err != nil && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
		runtime.KeepAlive(m)
	}
}

// TestCheck: graphs that are no graphs.
func TestCheck(t *testing.T) {
	node := func(ins, outs string, more ...[]byte) []byte {
		b := [][]byte{text(4, "Op")}
		for s := range strings.FieldsSeq(ins) {
			b = append(b, text(1, strings.Trim(s, "-")))
		}
		for s := range strings.FieldsSeq(outs) {
			b = append(b, text(2, s))
		}
		return sub1(1, append(b, more...)...)
	}
	in := func(s string) []byte { return sub1(11, text(1, s)) }
	out := func(s string) []byte { return sub1(12, text(1, s)) }
	body := func(parts ...[]byte) []byte { return sub1(5, text(1, "body"), sub1(6, parts...)) }
	for _, c := range []struct {
		name  string
		graph []byte
		text  string // empty: the graph is right
	}{
		{"right", graphField(in("x"), node("x", "y"), node("y - x", "z"), out("z")), ""},
		{"capture", graphField(in("x"), node("x", "y"), node("x", "z", body(node("y", "q"), out("q")))), ""},
		{"body output from outside", graphField(in("x"), node("x", "z", body(out("x")))), ""},
		{"missing", graphField(in("x"), node("q", "y")), "graph.node[0] at byte 11: malformed file: input q is not defined"},
		{"missing output", graphField(in("x"), out("y")), "graph.output[0]"},
		{"later", graphField(in("x"), node("y", "z"), node("x", "y")), "made by a later node"},
		{"cycle", graphField(in("x"), node("x b", "a"), node("a", "b")), "depends on itself"},
		{"self", graphField(node("a", "a")), "depends on itself"},
		{"cycle through a body", graphField(in("x"), node("x", "a", body(node("b", "q"))), node("a", "b")), "depends on itself"},
		{"body sees later", graphField(in("x"), node("x", "a", body(node("b", "q"))), node("x", "b")), "graph.node[0].attribute[0].g.node[0]"},
		{"outer sees inner", graphField(in("x"), node("x", "a", body(node("x", "q"))), node("q", "b")), "not defined"},
		{"double", graphField(in("x"), node("x", "a"), node("x", "a")), "defined twice"},
		{"double input", graphField(in("x"), in("x")), "occurs twice"},
		{"double initializer", graphField(sub1(5, text(8, "w")), sub1(5, text(8, "w"))), "two initializers"},
		{"node gives an input", graphField(in("x"), node("x", "x")), "defined twice"},
	} {
		m := model(t, c.graph)
		err := m.Check()
		var e *Error
		if (err == nil) != (c.text == "") || err != nil && (!errors.As(err, &e) || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if x := NewIndex(m); (len(x.Missing) > 0) != (c.text != "" && strings.Contains(c.text, "not defined") || c.name == "missing output") {
			t.Errorf("%s: missing %v", c.name, x.Missing)
		}
	}
	m := model(t, graphField(in("x"), node("y", "z"), node("x", "y")))
	if order, err := m.Graph.Sorted(); err != nil || order[0] != m.Graph.Nodes[1] || len(order) != 2 {
		t.Errorf("sorted %v, %v", order, err)
	}
}
