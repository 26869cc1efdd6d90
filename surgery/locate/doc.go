// Package locate finds the feed-forward neurons that carry a behaviour, here the
// preference for toxic over harmless continuations of the same prompt.
//
// A neuron is one column of ffn_down, named "blk.17.ffn:42"; its activation is
// the input of ffn_down. Each method gives every neuron a signed score; the
// ranking is by its size. A ranking is worth as much as it is stable, so Run
// scores both halves of the data as well and says how well they agree.
//
// A method is one file and one row in table.go.
package locate
