package gguf

import (
	"bytes"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// TestWriteNewFile: what is written is read back, and written again byte for byte.
func TestWriteNewFile(t *testing.T) {
	raw := bytes.Repeat([]byte{1, 2, 3}, 2*quant.Q4_0.RowBytes(64)/3)
	kvs := []KV{{"general.type", ValueOf("adapter")}, {"list", ValueOf([]int32{4, 5})}}
	ts := []*Tensor{NewTensor("a", []uint64{64, 2}, quant.Q4_0, raw), NewTensor("b", []uint64{3}, quant.F32, make([]byte, 12))}
	var b bytes.Buffer
	n, err := Write(&b, kvs, ts)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("%d of %d bytes, %v", n, b.Len(), err)
	}
	f, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.KV) != 2 || !f.KV[1].Value.Equal(kvs[1].Value) || f.Version != 3 {
		t.Errorf("version %d, keys %v", f.Version, f.KV)
	}
	if x := f.Tensor("a"); len(f.Tensors) != 2 || x.Type != quant.Q4_0 || !bytes.Equal(x.Raw(), raw) || x.Offset%32 != 0 || f.Tensor("b").Offset%32 != 0 {
		t.Errorf("%+v", f.Tensors)
	}
	var again bytes.Buffer
	if _, err := f.WriteTo(&again, Edits{}); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("written again it differs (%v)", err)
	}
	b.Reset()
	if n, err := Write(&b, nil, nil); err != nil || n != int64(b.Len()) {
		t.Errorf("empty: %d, %v", n, err)
	}
	if _, err := Parse(b.Bytes()); err != nil {
		t.Errorf("empty: %v", err)
	}
}
