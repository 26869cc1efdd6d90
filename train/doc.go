// Package train runs an objective over preference pairs: batches, micro-batches,
// schedule, checkpoints. Forward and backward go through train/model and
// train/nn; only the parameters handed in move.
//
// A step draws a batch of pairs (prompt x, chosen y+, rejected y-) and packs
//
//	x y-            toxic states for the adversary
//	x y+            benign states; KL to the original on the tokens of y+
//	c x y-, c x y+  for some pairs in place of these: after a toxic context c, the
//	                KL on y+ to what the original says of it without c
//	neutral text    KL to the original
//
// into micro-batches of at most MaxTokens tokens. Weights are normalised over
// the whole batch, so that the split changes memory and nothing else. All
// randomness is a function of (seed, epoch, step): a resumed run gives the same
// bytes as one that was never interrupted.
//
// Memory is a setting that changes no bit: with Config.ActivationBudget blocks are
// computed again in backward, and up to Config.StateCacheBytes the states that
// enter the lowest trained block are kept, by token sequence, so that passes over
// a sequence seen before begin there.
package train
