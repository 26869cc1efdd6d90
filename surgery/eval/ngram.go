package eval

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// NGram is a logistic regression on hashed n-grams with 8-bit weights:
//
//	logit(x) = A (Scale Σ_b w_b x_b + Bias) + B,   p = σ(logit)
//
// where x is the feature vector of a text (see features) and A, B are Platt's
// calibration, fitted on sentences that training did not see.
type NGram struct {
	bits    int // log2 of the number of buckets
	scale   float32
	bias    float32
	a, b    float32
	weights []int8
	name    string
}

// File format, little-endian: magic, version, bits, scale, bias, a, b (7 words of
// 32 bits), then 1<<bits weights of 8 bits.
const (
	judgeMagic    = 0x4a585444 // "DTXJ"
	judgeVersion  = 1
	judgeHeader   = 7 * 4
	minJudgeBits  = 10
	maxJudgeBits  = 22
	maxJudgeBytes = judgeHeader + 1<<maxJudgeBits
)

// ErrJudge is wrapped by every complaint about the bytes of a judge file.
var ErrJudge = errors.New("eval: not a judge file")

// ParseJudge reads the bytes of a judge file.
func ParseJudge(raw []byte) (*NGram, error) {
	if len(raw) < judgeHeader {
		return nil, fmt.Errorf("%w: %d bytes, shorter than its header", ErrJudge, len(raw))
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(raw[4*i:]) }
	if word(0) != judgeMagic {
		return nil, fmt.Errorf("%w: magic %08x at offset 0", ErrJudge, word(0))
	}
	if v := word(1); v != judgeVersion {
		return nil, fmt.Errorf("%w: version %d, want %d", ErrJudge, v, judgeVersion)
	}
	if b := word(2); b < minJudgeBits || b > maxJudgeBits {
		return nil, fmt.Errorf("%w: 2^%d buckets", ErrJudge, b)
	}
	j := &NGram{bits: int(word(2))}
	if want := judgeHeader + 1<<j.bits; len(raw) != want {
		return nil, fmt.Errorf("%w: %d bytes, want %d for 2^%d buckets", ErrJudge, len(raw), want, j.bits)
	}
	for i, f := range []*float32{&j.scale, &j.bias, &j.a, &j.b} {
		*f = math.Float32frombits(word(3 + i))
		if x := float64(*f); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%w: field %d is not a number", ErrJudge, 3+i)
		}
	}
	j.weights = make([]int8, 1<<j.bits)
	for i, b := range raw[judgeHeader:] {
		j.weights[i] = int8(b)
	}
	j.setName()
	return j, nil
}

// Bytes is the judge's file.
func (j *NGram) Bytes() []byte {
	raw := make([]byte, judgeHeader, judgeHeader+len(j.weights))
	for i, w := range []uint32{
		judgeMagic, judgeVersion, uint32(j.bits),
		math.Float32bits(j.scale), math.Float32bits(j.bias), math.Float32bits(j.a), math.Float32bits(j.b),
	} {
		binary.LittleEndian.PutUint32(raw[4*i:], w)
	}
	for _, w := range j.weights {
		raw = append(raw, byte(w))
	}
	return raw
}

func (j *NGram) setName() {
	sum := sha256.Sum256(j.Bytes())
	j.name = fmt.Sprintf("ngram-%x", sum[:4])
}

// Name implements Judge.
func (j *NGram) Name() string { return j.name }

// Toxic implements Judge.
func (j *NGram) Toxic(text string) float64 {
	return sigmoid(float64(j.a)*j.margin(features(text, j.bits)) + float64(j.b))
}

// margin is the uncalibrated logit.
func (j *NGram) margin(x []feature) float64 {
	s := 0.0
	for _, f := range x {
		s += float64(j.weights[f.bucket]) * float64(f.value)
	}
	return float64(j.scale)*s + float64(j.bias)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// feature is one non-zero entry of a text's vector.
type feature struct {
	bucket uint32
	value  float32
}

// Lengths of character n-grams, boundaries included.
const minChars, maxChars = 2, 5

// features is the sparse vector of a text, ordered by bucket: words and pairs of
// words in the lower half of the buckets, characters in the upper half. In each
// half an n-gram that occurs n times weighs 1 + ln n, and the half has length 1
// (as two tf-idf vectorizers side by side, without the idf).
func features(text string, bits int) []feature {
	words := splitWords(text)
	half := uint32(1) << (bits - 1)
	var wordHash, charHash []uint32
	for i, w := range words {
		h := hashString(hashSeed, w)
		wordHash = append(wordHash, h&(half-1))
		if i+1 < len(words) {
			pair := hashString(hashByte(h, ' '), words[i+1])
			wordHash = append(wordHash, pair&(half-1))
		}
		padded := []rune(" " + w + " ")
		for n := minChars; n <= maxChars; n++ {
			for k := 0; k+n <= len(padded); k++ {
				charHash = append(charHash, half|hashString(charSeed, string(padded[k:k+n]))&(half-1))
			}
		}
	}
	return append(weigh(wordHash), weigh(charHash)...)
}

// weigh counts equal buckets and turns them into a unit vector.
func weigh(buckets []uint32) []feature {
	slices.Sort(buckets)
	var out []feature
	norm := 0.0
	for i := 0; i < len(buckets); {
		k := i
		for k < len(buckets) && buckets[k] == buckets[i] {
			k++
		}
		v := 1 + math.Log(float64(k-i))
		norm += v * v
		out = append(out, feature{buckets[i], float32(v)})
		i = k
	}
	for i := range out {
		out[i].value = float32(float64(out[i].value) / math.Sqrt(norm))
	}
	return out
}
