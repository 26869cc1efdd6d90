package mix

import "github.com/detox-surgery/detox-surgery/gguf/quant"

// Recipe is a mixture of types under the name that llama-quantize has for it. What a
// rule is not given for gets the base type.
type Recipe struct {
	Name string
	// FileType is the number that general.file_type gets.
	FileType uint32
	Base     quant.Type

	value  rule // attn_v and attn_qkv
	down   rule // ffn_down
	output rule // attn_output
	embd   rule // token_embd that is not the head as well
	any    rule // every matrix but the head
	// heavy gives attn_output five bits where there are eight experts.
	heavy bool
}

// rule is the type of a matrix at a place.
type rule func(p *place) quant.Type

// place is what llama-quantize looks at.
type place struct {
	base    quant.Type
	i, n    int // number of the layer, or of the attn_v; how many there are
	gqa     int // query heads that share a key head
	experts int
	stacked bool // three dimensions
	falcon  bool
	imatrix bool
}

func always(t quant.Type) rule { return func(*place) quant.Type { return t } }

// moreBits tells the layers that get more: the first and last eighth, and every third
// of the others.
func (p *place) moreBits() bool {
	return p.i < p.n/8 || p.i >= 7*p.n/8 || (p.i-p.n/8)%3 == 2
}

func when(cond func(p *place) bool, t quant.Type) rule {
	return func(p *place) quant.Type {
		if cond(p) {
			return t
		}
		return p.base
	}
}

func grouped(p *place) bool    { return p.gqa >= 4 }
func early(p *place) bool      { return p.i < p.n/8 }
func earlyBlind(p *place) bool { return early(p) && !p.imatrix }
func earlySeen(p *place) bool  { return early(p) && p.imatrix }

func downQ3KM(p *place) quant.Type {
	switch {
	case p.i < p.n/16:
		return quant.Q5K
	case !p.falcon || p.moreBits():
		return quant.Q4K
	}
	return quant.Q3K
}

func downQ4KM(p *place) quant.Type {
	switch {
	case !p.falcon && p.moreBits(), p.falcon && p.i < p.n/16:
		return quant.Q6K
	case p.falcon && p.moreBits():
		return quant.Q5K
	}
	return quant.Q4K
}

func unlessFalcon(a, b quant.Type) rule {
	return func(p *place) quant.Type {
		if p.falcon {
			return b
		}
		return a
	}
}

func valueQ2K(p *place) quant.Type {
	if grouped(p) {
		return quant.Q4K
	}
	return quant.Q3K
}

func valueQ3KM(p *place) quant.Type {
	if p.i < 2 {
		return quant.Q5K
	}
	return quant.Q4K
}

func stackedMXFP4(p *place) quant.Type {
	if p.stacked {
		return quant.MXFP4
	}
	return quant.Q8_0
}

// Recipes is what Quantize writes. The codebook types IQ1 to IQ3 are read and edited,
// not made.
var Recipes = []Recipe{
	{Name: "F32", FileType: 0, Base: quant.F32},
	{Name: "F16", FileType: 1, Base: quant.F16},
	{Name: "BF16", FileType: 32, Base: quant.BF16},
	{Name: "Q8_0", FileType: 7, Base: quant.Q8_0},
	{Name: "Q6_K", FileType: 18, Base: quant.Q6K},
	{
		Name: "Q5_K_M", FileType: 17, Base: quant.Q5K,
		value: when((*place).moreBits, quant.Q6K), down: when((*place).moreBits, quant.Q6K),
	},
	{Name: "Q5_K_S", FileType: 16, Base: quant.Q5K},
	{Name: "Q5_1", FileType: 9, Base: quant.Q5_1},
	{Name: "Q5_0", FileType: 8, Base: quant.Q5_0, down: when(earlySeen, quant.Q5_1)},
	{Name: "Q4_K_M", FileType: 15, Base: quant.Q4K, value: when((*place).moreBits, quant.Q6K), down: downQ4KM, heavy: true},
	{
		Name: "Q4_K_S", FileType: 14, Base: quant.Q4K, heavy: true,
		value: when(func(p *place) bool { return p.i < 4 }, quant.Q5K),
		down:  when(func(p *place) bool { return early(p) && !p.falcon }, quant.Q5K),
	},
	{Name: "IQ4_NL", FileType: 25, Base: quant.IQ4NL, value: when(grouped, quant.Q5K), down: when(earlyBlind, quant.Q5K), heavy: true},
	{Name: "IQ4_XS", FileType: 30, Base: quant.IQ4XS, value: when(grouped, quant.Q5K), down: when(earlyBlind, quant.Q5K), heavy: true},
	{Name: "Q4_1", FileType: 3, Base: quant.Q4_1},
	{Name: "Q4_0", FileType: 2, Base: quant.Q4_0, down: when(earlySeen, quant.Q4_1)},
	{Name: "MXFP4_MOE", FileType: 38, Base: quant.MXFP4, any: stackedMXFP4},
	{
		Name: "Q3_K_L", FileType: 13, Base: quant.Q3K,
		value: always(quant.Q5K), down: unlessFalcon(quant.Q5K, quant.Q4K), output: unlessFalcon(quant.Q5K, quant.Q4K),
	},
	{
		Name: "Q3_K_M", FileType: 12, Base: quant.Q3K, heavy: true,
		value: valueQ3KM, down: downQ3KM, output: unlessFalcon(quant.Q4K, quant.Q3K),
	},
	{Name: "Q3_K_S", FileType: 11, Base: quant.Q3K, heavy: true},
	{
		Name: "Q2_K", FileType: 10, Base: quant.Q2K, heavy: true,
		value: valueQ2K, down: always(quant.Q3K), output: unlessFalcon(quant.Q3K, quant.Q2K),
	},
	{Name: "TQ2_0", FileType: 37, Base: quant.TQ2_0, embd: always(quant.Q4K)},
	{Name: "TQ1_0", FileType: 36, Base: quant.TQ1_0, embd: always(quant.Q4K)},
	{Name: "Q2_0", FileType: 41, Base: quant.Q2_0, embd: always(quant.Q4K)},
	{Name: "Q1_0", FileType: 40, Base: quant.Q1_0},
}

// aliases are other names of recipes.
var aliases = map[string]string{"Q5_K": "Q5_K_M", "Q4_K": "Q4_K_M", "Q3_K": "Q3_K_M"}

// fallbacks are what a type becomes whose blocks do not divide a row; those that are
// not here become F16.
var fallbacks = map[quant.Type]quant.Type{
	quant.IQ4XS: quant.IQ4NL, quant.Q2K: quant.Q4_0, quant.Q3K: quant.Q4_0, quant.TQ1_0: quant.Q4_0, quant.TQ2_0: quant.Q4_0, quant.Q2_0: quant.Q4_0,
	quant.Q4K: quant.Q5_0, quant.Q5K: quant.Q5_1, quant.Q6K: quant.Q8_0,
}
