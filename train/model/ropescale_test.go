package model

import (
	"math"
	"testing"
)

// TestRopeScaling: what files say of positions beyond the trained context, in the
// spellings that llama.cpp takes for the same.
func TestRopeScaling(t *testing.T) {
	kvs, tensors := tinyParts("llama")
	for _, c := range []struct {
		name      string
		keys      []kv
		scale     float32 // of pair 3 of 4, the slowest
		fast      float32 // of pair 0
		magnitude float64
	}{
		{"nothing", nil, 1, 1, 1},
		{"none with a factor", []kv{{"llama.rope.scaling.type", "none"}, {"llama.rope.scaling.factor", float32(4)}}, 1, 1, 1},
		{"linear", []kv{{"llama.rope.scaling.type", "linear"}, {"llama.rope.scaling.factor", float32(4)}}, 0.25, 0.25, 1},
		{"a factor without a type", []kv{{"llama.rope.scaling.factor", float32(4)}}, 0.25, 0.25, 1},
		{"the factor's old name", []kv{{"llama.rope.scale_linear", float32(4)}}, 0.25, 0.25, 1},
		{"factor 0", []kv{{"llama.rope.scaling.type", "linear"}, {"llama.rope.scaling.factor", float32(0)}}, 1, 1, 1},
		{"yarn", yarn(kv{"llama.rope.scaling.original_context_length", uint32(4096)}), 0.25, 1, 1 + 0.1*math.Log(4)},
		{"yarn with llama.cpp's defaults", yarn(
			kv{"llama.rope.scaling.original_context_length", uint32(4096)}, kv{"llama.rope.scaling.yarn_ext_factor", float32(-1)},
			kv{"llama.rope.scaling.yarn_attn_factor", float32(1)}, kv{"llama.rope.scaling.yarn_beta_fast", float32(32)},
			kv{"llama.rope.scaling.yarn_beta_slow", float32(1)}, kv{"llama.rope.scaling.yarn_log_multiplier", float32(0)},
		), 0.25, 1, 1 + 0.1*math.Log(4)},
		{"yarn beside attn_factor", yarn(
			kv{"llama.rope.scaling.original_context_length", uint32(4096)}, kv{"llama.rope.scaling.attn_factor", float32(2)},
		), 0.25, 1, 2 + 0.2*math.Log(4)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Open(openFile(t, with(kvs, c.keys...), tensors))
			if err != nil {
				t.Fatal(err)
			}
			r := m.rotation
			slow, fast := r.Scale, r.Scale
			if r.Factors != nil {
				fast, slow = fast/r.Factors[0], slow/r.Factors[3]
			}
			if slow != c.scale || fast != c.fast || math.Abs(float64(r.Magnitude)-c.magnitude) > 1e-6 {
				t.Errorf("scales %g and %g, magnitude %g; want %g, %g, %g", fast, slow, r.Magnitude, c.fast, c.scale, c.magnitude)
			}
		})
	}
}

// TestYaRNFactorsAreFinite: whatever a file claims.
func TestYaRNFactorsAreFinite(t *testing.T) {
	for _, context := range []int{1, 2, 6, 7, 201, 1 << 30, maxCount} {
		for _, base := range []float32{1e-30, 0.5, 1, 1.0001, 10000, math.MaxFloat32} {
			for _, scale := range []float32{1e-30, 0.25, 1, 8} {
				for i, f := range yarnFactors(64, context, base, scale, nil) {
					if lo, hi := min(1, 1/scale), max(1, 1/scale); !(f >= lo*0.999 && f <= hi*1.001) {
						t.Fatalf("context %d, base %g, scale %g: divisor %d is %g", context, base, scale, i, f)
					}
				}
			}
		}
	}
}
