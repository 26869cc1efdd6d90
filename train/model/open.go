package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/train/nn"
	"github.com/detox-surgery/detox-surgery/train/token"
)

// Open makes a model of the tensors in f, which must stay open as long as the
// model is used. It checks every count and the shape of every tensor; a tensor
// or key that the architecture here would ignore is an error as well, since the
// model would compute something else than its makers meant. The error is
// ErrUnsupported where the file is sound but asks for something unknown.
func Open(f *gguf.File) (*Model, error) {
	if err := checkSplit(f); err != nil {
		return nil, err
	}
	if err := checkKind(f); err != nil {
		return nil, err
	}
	a, err := findArchitecture(f)
	if err != nil {
		return nil, err
	}
	return openAs(f, a)
}

func openAs(f *gguf.File, a *architecture) (*Model, error) {
	cfg, err := readConfig(f, a)
	if err != nil {
		return nil, err
	}
	m := &Model{cfg: cfg, arch: a, file: f}
	if err := m.openTokenizer(); err != nil {
		return nil, err
	}
	if err := m.openTensors(); err != nil {
		return nil, err
	}
	if m.tok != nil && m.tok.Size() != m.cfg.Vocab {
		return nil, fmt.Errorf("model: tokenizer has %d tokens, the embedding %d rows", m.tok.Size(), m.cfg.Vocab)
	}
	return m, nil
}

// checkSplit refuses a file that is one part of several.
func checkSplit(f *gguf.File) error {
	if _, ok := f.Get("split.count"); !ok {
		return nil
	}
	n, ok := f.Uint("split.count")
	no, ok2 := f.Uint("split.no")
	switch {
	case !ok || !ok2:
		return fmt.Errorf("model: keys split.count and split.no are not whole numbers")
	case no >= max(n, 1):
		return fmt.Errorf("model: file says it is part %d (from 0) of %d", no, n)
	case n > 1:
		return unsupported(fmt.Sprintf("model: file is part %d of %d of a split model; merge the parts first", no+1, n))
	}
	return nil
}

func findArchitecture(f *gguf.File) (*architecture, error) {
	if _, ok := f.Get("general.architecture"); !ok {
		return nil, fmt.Errorf("model: key general.architecture is missing")
	}
	name, ok := f.String("general.architecture")
	if !ok {
		return nil, fmt.Errorf("model: key general.architecture is not a string")
	}
	_, mixture := f.Get(name + ".expert_count")
	if n, ok := f.Uint(name + ".expert_count"); ok && n == 0 {
		mixture = false
	}
	var known []string
	for _, a := range architectures {
		switch {
		case a.name == name && a.experts == mixture:
			return a, nil
		case len(known) == 0 || known[len(known)-1] != a.name:
			known = append(known, a.name)
		}
	}
	if slices.ContainsFunc(architectures, func(a *architecture) bool { return a.name == name }) {
		return nil, unsupported(fmt.Sprintf("model: architecture %q is not supported with key %s.expert_count as it is", name, name))
	}
	return nil, unsupported(fmt.Sprintf("model: architecture %q is not supported (known: %s)", name, strings.Join(known, ", ")))
}

// openTokenizer reads the tokenizer, if the file has one.
func (m *Model) openTokenizer() error {
	_, hasModel := m.file.Get("tokenizer.ggml.model")
	_, hasTokens := m.file.Get("tokenizer.ggml.tokens")
	if !hasModel && !hasTokens {
		return nil
	}
	tok, err := token.New(m.file)
	if err != nil {
		return fmt.Errorf("model: tokenizer: %w", err)
	}
	m.tok = tok
	return nil
}

// openTensors fills the handles and checks that no tensor is left over.
func (m *Model) openTensors() error {
	// A block has several tensors, so a false count ends here, before anything
	// of its size is allocated.
	if n := len(m.file.Tensors); m.cfg.Blocks > n {
		return fmt.Errorf("model: key %s.block_count is %d, but the file has only %d tensors", m.cfg.Arch, m.cfg.Blocks, n)
	}
	embd := m.file.Tensor(Role{Kind: TokenEmbd}.TensorName())
	if embd == nil {
		return fmt.Errorf("model: tensor %s is missing", Role{Kind: TokenEmbd}.TensorName())
	}
	m.cfg.Vocab = embd.Rows()
	m.tied = m.file.Tensor(Role{Kind: Output}.TensorName()) == nil
	m.block = make([][numKinds - AttnNorm]handle, m.cfg.Blocks)

	used := make(map[string]bool, len(m.file.Tensors))
	for _, r := range m.expected() {
		if slices.Contains(m.arch.optional, r.Kind) && m.file.Tensor(r.TensorName()) == nil {
			continue
		}
		h, err := openTensor(m.file, r, &m.cfg)
		if err != nil {
			return err
		}
		used[r.TensorName()] = true
		if r.Kind.PerBlock() {
			m.block[r.Block][r.Kind-AttnNorm] = h
		} else {
			m.top[r.Kind] = h
		}
	}
	for _, t := range m.file.Tensors {
		if !used[t.Name] {
			return unsupported(fmt.Sprintf("model: tensor %q is not part of the %s architecture as supported here", t.Name, m.cfg.Arch))
		}
	}
	m.prepare()
	return nil
}

// expected lists the roles that the architecture must or may have.
func (m *Model) expected() []Role {
	out := []Role{{Kind: TokenEmbd}, {Kind: OutputNorm}}
	if !m.tied {
		out = append(out, Role{Kind: Output})
	}
	for _, k := range m.arch.top {
		out = append(out, Role{Kind: k})
	}
	for _, k := range m.arch.optional {
		if !k.PerBlock() {
			out = append(out, Role{Kind: k})
		}
	}
	for l := range m.cfg.Blocks {
		for _, k := range m.arch.block {
			out = append(out, Role{Kind: k, Block: l})
		}
		for _, k := range m.arch.optional {
			if k.PerBlock() {
				out = append(out, Role{Kind: k, Block: l})
			}
		}
	}
	return out
}

// openTensor finds the tensor of a role and checks its shape and type.
func openTensor(f *gguf.File, r Role, c *Config) (handle, error) {
	name := r.TensorName()
	t := f.Tensor(name)
	if t == nil {
		return handle{}, fmt.Errorf("model: tensor %s is missing", name)
	}
	k := kinds[r.Kind]
	want := []uint64{uint64(k.cols(c))}
	if r.Kind.IsMatrix() {
		want = append(want, uint64(k.rows(c)))
	}
	if k.experts {
		want = append(want, uint64(c.Experts))
	}
	if !sameShape(t.Dims, want) {
		return handle{}, fmt.Errorf("model: tensor %s has shape %v, must be %v", name, t.Dims, want)
	}
	if !t.Type.CanDecode() {
		return handle{}, unsupported(fmt.Sprintf("model: tensor %s: type %s is not supported", name, t.Type))
	}
	if r.Kind.IsMatrix() {
		return handle{tensor: t, matrix: t}, nil
	}
	x := make([]float32, t.Cols())
	t.DequantRows(x, len(x), 0, 1)
	if r.Kind.IsGain() {
		return handle{tensor: t, gain: nn.NewGain(x)}, nil
	}
	return handle{tensor: t, vector: x}, nil
}

// sameShape compares dimensions; files may pad them with ones.
func sameShape(dims, want []uint64) bool {
	for i := range max(len(dims), len(want)) {
		d, w := uint64(1), uint64(1)
		if i < len(dims) {
			d = dims[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if d != w {
			return false
		}
	}
	return true
}
