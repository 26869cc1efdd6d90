// Package loss holds the training objectives. REPO (arXiv 2602.23391) joins a
// retain loss, KL(p0 || p) to the frozen original on what should stay, with a
// token-level domain-adversarial loss: a discriminator D learns to tell states
// u of toxic continuations from states of benign ones, and the body receives the
// gradient of its loss reversed, so that toxic states converge to their benign
// counterparts.
//
// With z = D(u), y = 1 on toxic and 0 on benign tokens, σ the logistic function
// and w the weight that balances the two classes (½ over the number of tokens of
// the class), the gradients with respect to z are
//
//	discriminator   w (σ(z) - y)
//	saturating      -λ w (σ(z) - y)          the gradient-reversal layer
//	nonsaturating   λ w σ(z), toxic only     toxic states move, labels flipped
//	confusion       λ w (σ(z) - ½)           D cannot tell
//
// λ follows the ramp of Ganin and Lempitsky (2015), from 0 to its value. λ = 0
// is the retain-only control.
package loss
