package model

import (
	"fmt"
	"math"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// keys reads the metadata of one architecture. The first failure is kept in err
// and later reads return zeros, so that a configuration is read without a check
// per line.
type keys struct {
	f    *gguf.File
	arch string
	err  error
}

func (k *keys) fail(format string, args ...any) {
	if k.err == nil {
		k.err = fmt.Errorf("model: "+format, args...)
	}
}

func (k *keys) refuse(format string, args ...any) {
	if k.err == nil {
		k.err = unsupported(fmt.Sprintf("model: "+format, args...))
	}
}

// has reports whether the architecture's key is there, of whatever type.
func (k *keys) has(name string) bool {
	_, ok := k.f.Get(k.arch + "." + name)
	return ok
}

// count reads a required whole number between lo and hi.
func (k *keys) count(name string, lo, hi int) int {
	key := k.arch + "." + name
	if !k.has(name) {
		k.fail("key %s is missing", key)
		return 0
	}
	v, ok := k.f.Uint(key)
	if !ok {
		k.fail("key %s is not a whole number from %d to %d", key, lo, hi)
		return 0
	}
	if v < uint64(lo) || v > uint64(hi) {
		k.fail("key %s is %d, must be from %d to %d", key, v, lo, hi)
		return 0
	}
	return int(v)
}

// countOr is count for a key that may be absent.
func (k *keys) countOr(name string, def, lo, hi int) int {
	if !k.has(name) {
		return def
	}
	return k.count(name, lo, hi)
}

// positive reads a required finite number above 0.
func (k *keys) positive(name string) float32 {
	key := k.arch + "." + name
	if !k.has(name) {
		k.fail("key %s is missing", key)
		return 0
	}
	v, ok := k.f.Float(key)
	if !ok || !(v > 0) || v > math.MaxFloat32 {
		k.fail("key %s is not a number above 0", key)
		return 0
	}
	return float32(v)
}

// positiveOr is positive for a key that may be absent.
func (k *keys) positiveOr(name string, def float32) float32 {
	if !k.has(name) {
		return def
	}
	return k.positive(name)
}

// flagOr reads a key that is true or false and may be absent.
func (k *keys) flagOr(name string, def bool) bool {
	if !k.has(name) {
		return def
	}
	v, ok := k.f.Bool(k.arch + "." + name)
	if !ok {
		k.fail("key %s.%s is not true or false", k.arch, name)
	}
	return v
}
