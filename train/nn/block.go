package nn

// BlockFunc computes block l of a model from its input [T, D]. It must give the
// same result each time until the next Reset.
type BlockFunc func(l int, x *Value) *Value

// Block returns f(l, x). left is the number of blocks from l on. If what all of
// them would keep for Backward does not fit into budget bytes beside what the tape
// keeps already, the block keeps its input alone and is computed again in Backward
// (arXiv 1604.06174): the same operations on the same numbers, so gradients are
// the same to the bit. Blocks at the end are the last to be computed again, since
// Backward has given their memory back when it comes to those before them. Not in
// the budget are the gradients of one block, the block that is computed again, and
// the losses. A budget of 0 is no limit.
//
// Backward leaves nothing in values that f made, whatever Keep and Watch ask for.
func (tp *Tape) Block(x *Value, l, left int, budget int64, f BlockFunc) *Value {
	if budget <= 0 || !tp.grad {
		return f(l, x)
	}
	rows := int64(x.T)
	before := tp.kept
	if tp.perRow > 0 && before+int64(left)*rows*tp.perRow <= budget {
		y := f(l, x)
		tp.perRow = max(tp.perRow, (tp.kept-before)/max(1, rows))
		tp.most = max(tp.most, tp.kept)
		return y
	}
	mark, ops, counted := tp.live, tp.ops, x.counted
	tp.grad, tp.dry, tp.wanted = false, true, ops
	y := f(l, x)
	tp.grad, tp.dry = true, false
	for _, v := range tp.values[mark:tp.live] {
		v.counted = false
	}
	x.counted = counted
	tp.perRow = max(tp.perRow, (tp.kept-before)/max(1, rows))
	tp.kept = before
	tp.ReleaseSince(mark, y)
	if !y.needs {
		return y
	}
	wanted := tp.wanted - ops
	r := tp.begin(y, x, nil, nil)
	r.block, r.n[0], r.n[1] = f, l, wanted
	tp.end(r, true, blockBackward, x)
	tp.most = max(tp.most, tp.kept)
	return y
}

// skips reports whether the op begun last can leave its result undefined: a block
// is computed again, and nothing that its backward reads comes from here on.
func (tp *Tape) skips() bool { return tp.tail > 0 && tp.ops > tp.tail }

// blockBackward computes the block again, this time on record, and runs the
// record backward.
func blockBackward(tp *Tape, r *record) {
	mark, log := tp.live, tp.log
	tp.log = tp.inner[:0]
	if r.n[1] > 0 {
		tp.tail = tp.ops + r.n[1]
	}
	y := r.block(r.n[0], r.a)
	tp.tail = 0
	tp.ReleaseSince(mark, y)
	y.G, y.keepG = r.out.G, r.out.keepG
	if !y.keepG {
		r.out.G = nil
	}
	tp.reverse(tp.log)
	if y.keepG {
		y.G = nil
	}
	tp.inner, tp.log = tp.log[:0], log
	for _, v := range tp.values[mark:tp.live] {
		tp.freeX(v)
		tp.freeG(v)
	}
	tp.live = mark
}
