// Package data reads what models are trained and judged on: preference pairs, prompts, tables and plain lines. It
// turns them into token sequences, and orders and batches these the same way for the same seed.
package data
