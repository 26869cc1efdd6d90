package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/onnxlm"
)

// onnxDecoder is the language model that was found in a graph.
type onnxDecoder struct {
	Arch    string       `json:"architecture,omitempty"`
	Blocks  int          `json:"blocks,omitempty"`
	Width   int          `json:"width,omitempty"`
	Heads   int          `json:"heads,omitempty"`
	KVHeads int          `json:"kv_heads,omitempty"`
	Proof   onnxlm.Proof `json:"proof"`
	Roles   []onnxRole   `json:"roles,omitempty"`
	Refused string       `json:"refused,omitempty"` // why there is none
}

// onnxRole says which initializer plays a role.
type onnxRole struct {
	Role        string `json:"role"`
	Type        string `json:"type"`
	Form        string `json:"form"`
	Initializer string `json:"initializer,omitempty"`
	Editable    bool   `json:"editable"`
}

// findDecoder looks for a language model; what is wrong is part of what it says.
func findDecoder(m *onnx.Model) *onnxDecoder {
	p, err := onnxlm.Open(m, nil, nil)
	if err != nil {
		return &onnxDecoder{Refused: err.Error()}
	}
	lm, err := p.Model()
	if err != nil {
		return &onnxDecoder{Refused: err.Error()}
	}
	c := lm.Config()
	d := &onnxDecoder{Arch: c.Arch, Blocks: c.Blocks, Width: c.Width, Heads: c.Heads, KVHeads: c.KVHeads, Proof: p.Proof}
	for _, t := range p.File.Tensors {
		r, _ := model.RoleOfTensor(t.Name)
		form, from := p.Source(t.Name)
		d.Roles = append(d.Roles, onnxRole{Role: r.String(), Type: t.Type.String(), Form: form, Initializer: from, Editable: p.Writable(t.Name)})
	}
	return d
}

func (d *onnxDecoder) print(roles bool) error {
	if d.Refused != "" {
		fmt.Println("decoder     none:", d.Refused)
		return nil
	}
	fmt.Printf("decoder     %s, %d blocks, width %d, %d heads over %d; the graph's own logits on %d tokens: KL %.2g, up to %.2g apart\n",
		d.Arch, d.Blocks, d.Width, d.Heads, d.KVHeads, d.Proof.Tokens, d.Proof.KL, d.Proof.MaxDiff)
	if !roles {
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "role\ttype\tform\tinitializer")
	for _, r := range d.Roles {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Role, r.Type, r.Form, r.Initializer)
	}
	return w.Flush()
}
