package op

import (
	"slices"
	"strings"
)

// einsum contracts tensors from left to right, as products of matrices: an index that
// neither the result nor a later tensor has is summed as soon as it can be.
func einsum(c *call) []*Value {
	terms, result, tensors := c.equation()
	labels, x := terms[0], tensors[0]
	for i := 1; ; i++ {
		later := result + strings.Join(terms[min(i, len(terms)):], "")
		x, labels = c.sumOut(x, labels, later)
		if i == len(terms) {
			break
		}
		y, ys := c.sumOut(tensors[i], terms[i], labels+result+strings.Join(terms[i+1:], ""))
		x, labels = c.contract(x, labels, y, ys, result+strings.Join(terms[i+1:], ""))
	}
	perm := make([]int64, len(result))
	for i, r := range []byte(result) {
		k := strings.IndexByte(labels, r)
		if k < 0 {
			c.fail("index %c of the result is in no term", r)
		}
		perm[i] = int64(k)
	}
	return one(c.permuted(x, perm))
}

// equation splits the equation in terms of one byte an index: letters, and digits for
// the dimensions of an ellipsis. Indices that a term repeats are taken along the
// diagonal.
func (c *call) equation() (terms []string, result string, tensors []*Value) {
	text := strings.ReplaceAll(c.str("equation", ""), " ", "")
	left, result, explicit := strings.Cut(text, "->")
	terms = strings.Split(left, ",")
	if len(terms) != len(c.in) {
		c.fail("equation %q for %d inputs", text, len(c.in))
	}
	widest := 0
	for i, t := range terms {
		x := c.floats(i)
		named := len(strings.ReplaceAll(t, "...", ""))
		n := len(x.Dims) - named
		if n < 0 || n > 9 || !strings.Contains(t, "...") && n != 0 {
			c.fail("term %q for dimensions %v", t, x.Dims)
		}
		widest = max(widest, n)
		terms[i] = strings.Replace(t, "...", "987654321"[9-n:], 1)
	}
	dots := "987654321"[9-widest:]
	if !explicit {
		all := strings.Join(terms, "")
		result = dots
		for r := byte('A'); r <= 'z'; r++ {
			if strings.Count(all, string(r)) == 1 {
				result += string(r)
			}
		}
	}
	result = strings.Replace(result, "...", dots, 1)
	size := make(map[byte]int)
	for i := range terms {
		x := c.floats(i)
		for k, r := range []byte(terms[i]) {
			if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz987654321", rune(r)) {
				c.fail("equation %q", text)
			}
			if d, ok := size[r]; !ok || d == 1 {
				size[r] = x.Dims[k]
			}
		}
	}
	for i := range terms {
		x, t := c.diagonal(c.floats(i), terms[i], size)
		terms[i] = t
		tensors = append(tensors, x)
	}
	return terms, result, tensors
}

// diagonal makes every index occur once, at its full size.
func (c *call) diagonal(x *Value, term string, size map[byte]int) (*Value, string) {
	steps := contiguous(x.Dims)
	var dims, by []int
	var labels []byte
	for k, r := range []byte(term) {
		step := steps[k]
		switch x.Dims[k] {
		case size[r]:
		case 1:
			step = 0
		default:
			c.fail("index %c is %d and %d", r, size[r], x.Dims[k])
		}
		if at := slices.Index(labels, r); at >= 0 {
			by[at] += step
			continue
		}
		labels, dims, by = append(labels, r), append(dims, size[r]), append(by, step)
	}
	if slices.Equal(dims, x.Dims) {
		return x, term
	}
	return c.strided(x, dims, by, 0), string(labels)
}

// sumOut sums over the indices that are not wanted later.
func (c *call) sumOut(x *Value, labels, later string) (*Value, string) {
	var axes []int64
	var rest []byte
	for i, r := range []byte(labels) {
		if strings.IndexByte(later, r) < 0 {
			axes = append(axes, int64(i))
		} else {
			rest = append(rest, r)
		}
	}
	if axes == nil {
		return x, labels
	}
	return c.reduceAxes(&sumReducer, x, axes, false), string(rest)
}

// contract multiplies two tensors as matrices [batch, rows, depth] and [batch, depth,
// columns], where depth are the shared indices that are not wanted later.
func (c *call) contract(x *Value, xs string, y *Value, ys, later string) (*Value, string) {
	var batch, rows, depth, cols string
	for _, r := range xs {
		switch {
		case !strings.ContainsRune(ys, r):
			rows += string(r)
		case strings.ContainsRune(later, r):
			batch += string(r)
		default:
			depth += string(r)
		}
	}
	for _, r := range ys {
		if !strings.ContainsRune(xs, r) {
			cols += string(r)
		}
	}
	a, da := c.arranged(x, xs, batch, rows, depth)
	b, db := c.arranged(y, ys, batch, depth, cols)
	out := c.product(a, b, false, false, 1)
	dims := slices.Concat(da[0], da[1], db[2])
	return out.sharing(dims), batch + rows + cols
}

// arranged makes a tensor of three groups of indices, and gives their dimensions.
func (c *call) arranged(x *Value, labels string, groups ...string) (*Value, [][]int) {
	var perm []int64
	var dims [][]int
	var flat []int
	for _, g := range groups {
		var of []int
		for _, r := range []byte(g) {
			k := strings.IndexByte(labels, r)
			perm, of = append(perm, int64(k)), append(of, x.Dims[k])
		}
		dims, flat = append(dims, of), append(flat, product(of))
	}
	return c.permuted(x, perm).sharing(flat), dims
}
