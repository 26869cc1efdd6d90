// Package optim updates parameters: AdamW (Loshchilov and Hutter, arXiv
// 1711.05101) in one fused pass per parameter, clipping by the global norm, and
// the schedule of a run (linear warm-up, then linear decay).
package optim
