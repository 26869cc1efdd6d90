package gguf

import (
	"bytes"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// FuzzReader: no bytes make the reader fail other than by an error, and what it
// reads it can decode and write again unchanged.
func FuzzReader(f *testing.F) {
	for _, h := range hostile(f) {
		if len(h.data) < 1<<14 {
			f.Add(h.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Parse(data)
		if err != nil {
			return
		}
		for _, kv := range g.KV {
			kv.Value.Any()
		}
		for _, w := range g.Tensors {
			if w.Type.CanDecode() && w.Size > 0 {
				w.DequantRows(make([]float32, w.Rows()*w.Cols()), w.Cols(), 0, w.Rows())
			}
		}
		var out bytes.Buffer
		if _, err := g.WriteTo(&out, Edits{}); err != nil || !bytes.Equal(out.Bytes(), data) {
			t.Fatalf("not written unchanged: %v", err)
		}
	})
}

// FuzzRoundTrip: a file with an added key and a tensor turned to F32 reads back
// with just that changed.
func FuzzRoundTrip(f *testing.F) {
	for _, h := range hostile(f) {
		if h.Expect == "ok" || h.Level == "model" {
			f.Add(h.data, "detox.key", "value", uint8(0))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, key, value string, which uint8) {
		g, err := Parse(data)
		if err != nil {
			return
		}
		e := Edits{Set: []KV{{key, ValueOf(value)}}}
		if len(g.Tensors) > 0 {
			w := g.Tensors[int(which)%len(g.Tensors)]
			size, err := sizeOf(w.Dims, quant.F32)
			if err != nil || size > 1<<20 {
				return
			}
			e.Data = map[string]Replacement{w.Name: {Type: quant.F32, Bytes: make([]byte, size)}}
		}
		var out bytes.Buffer
		if n, err := g.WriteTo(&out, e); err != nil {
			if n != 0 {
				t.Fatalf("%d bytes written before the edit was refused: %v", n, err)
			}
			return
		}
		h, err := Parse(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		sameTensors(t, g, h, e.Data)
		if got, ok := h.String(key); !ok || got != value {
			t.Fatalf("%q = %q", key, got)
		}
		for _, kv := range g.KV {
			i := slices.IndexFunc(h.KV, func(o KV) bool { return o.Key == kv.Key })
			if i < 0 || kv.Key != key && !h.KV[i].Value.Equal(kv.Value) {
				t.Fatalf("key %q is lost or changed", kv.Key)
			}
		}
	})
}
