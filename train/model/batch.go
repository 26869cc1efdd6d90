package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// Batch is a set of sequences packed one after another, without padding.
type Batch struct {
	IDs   []int32   // [T] tokens
	Pos   []int32   // [T] position of each token in its sequence, from 0
	Spans []nn.Span // one per sequence, in order
}

// NewBatch packs sequences. Empty ones get an empty span.
func NewBatch(seqs ...[]int32) *Batch {
	b := &Batch{}
	for _, s := range seqs {
		b.Spans = append(b.Spans, nn.Span{Start: len(b.IDs), Len: len(s)})
		b.IDs = append(b.IDs, s...)
		for i := range s {
			b.Pos = append(b.Pos, int32(i))
		}
	}
	return b
}

// longest is the length of the longest sequence.
func (b *Batch) longest() int {
	n := 0
	for _, s := range b.Spans {
		n = max(n, s.Len)
	}
	return n
}
