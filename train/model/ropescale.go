package model

import "math"

// Turns within the original context above and below which YaRN keeps a frequency and
// divides it by the factor. llama.cpp reads no others for the architectures of the table.
const (
	yarnFast = 32
	yarnSlow = 1
)

// readScaling reads how positions beyond the trained context are reached: none, linear
// (arXiv 2306.15595), yarn (arXiv 2309.00071), longrope (arXiv 2402.13753, whose factors
// are tensors). As in llama.cpp a factor without a type is linear, and a factor of 0, which
// it writes itself, is 1.
func readScaling(k *keys, c *Config) {
	c.RopeScale, c.RopeScaleLocal = 1, 1
	c.RopeMagnitude = k.positiveOr("rope.scaling.attn_factor", 1)
	c.RopeOriginal = k.countOr("rope.scaling.original_context_length", c.Context, 1, maxCount)
	kind := "linear"
	if k.has("rope.scaling.type") {
		s, ok := k.f.String(k.arch + ".rope.scaling.type")
		if !ok {
			k.fail("key %s.rope.scaling.type is not a string", k.arch)
		}
		kind = s
	}
	switch kind {
	case "none":
		return
	case "linear", "longrope":
	case "yarn":
		c.RopeYaRN = true
	default:
		k.refuse("rope scaling %q is not supported", kind)
	}
	key := "rope.scaling.factor"
	if !k.has(key) {
		key = "rope.scale_linear" // its name in old files
	}
	if v, ok := k.f.Float(k.arch + "." + key); k.has(key) && !(ok && v == 0) {
		c.RopeScale = 1 / k.positive(key)
	}
	if c.RopeYaRN {
		checkYaRN(k, c)
	}
}

// checkYaRN refuses constants that llama.cpp ignores for these architectures and
// transformers does not: the file would mean two things. -1 is llama.cpp's "not set",
// an attn_factor of 1 its default.
func checkYaRN(k *keys, c *Config) {
	for _, x := range []struct {
		key    string
		values []float64
	}{
		{"rope.scaling.yarn_ext_factor", []float64{1, -1}},
		{"rope.scaling.yarn_attn_factor", []float64{1, yarnMagnitude(c.RopeScale)}},
		{"rope.scaling.yarn_beta_fast", []float64{yarnFast}},
		{"rope.scaling.yarn_beta_slow", []float64{yarnSlow}},
		{"rope.scaling.yarn_log_multiplier", []float64{0}},
	} {
		if !k.has(x.key) {
			continue
		}
		v, ok := float(k, x.key)
		if !ok {
			k.fail("key %s.%s is not a number", k.arch, x.key)
			return
		}
		known := false
		for _, want := range x.values {
			known = known || math.Abs(v-want) <= 1e-4
		}
		if !known {
			k.refuse("key %s.%s is %g; YaRN is supported with %.6g", k.arch, x.key, v, x.values[len(x.values)-1])
		}
	}
}

// float is the number at a key, which unlike those of gguf.File.Float may be a negative integer.
func float(k *keys, name string) (float64, bool) {
	v, _ := k.f.Get(k.arch + "." + name)
	if i, ok := v.(int32); ok {
		return float64(i), true
	}
	return k.f.Float(k.arch + "." + name)
}

// yarnMagnitude is the factor on rotated dimensions where positions are multiplied by
// scale: 1 + ln(1/scale)/10 (section 3.4 of the paper), never below 1.
func yarnMagnitude(scale float32) float64 {
	return max(1, 1-0.1*math.Log(float64(scale)))
}

// yarnFactors are the divisors [dim/2] of rotary frequencies by YaRN (section 3.2): pair i
// keeps its frequency as far as a ramp from the pair that turns yarnFast times within
// context positions to the one that turns yarnSlow times says, and is multiplied by scale for
// the rest. other are divisors that the file has beside, nil: none.
func yarnFactors(dim, context int, base, scale float32, other []float32) []float32 {
	at := func(turns float64) float64 {
		return float64(dim) * math.Log(float64(context)/(turns*2*math.Pi)) / (2 * math.Log(float64(base)))
	}
	low := max(0, math.Floor(at(yarnFast)))
	high := min(float64(dim-1), math.Ceil(at(yarnSlow)))
	out := make([]float32, dim/2)
	for i := range out {
		slowed := min(1, max(0, (float64(i)-low)/max(0.001, high-low)))
		f := 1 / (float64(scale)*slowed + (1 - slowed))
		if other != nil {
			f *= float64(other[i])
		}
		out[i] = float32(f)
	}
	return out
}
