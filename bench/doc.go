// Package bench measures speed and memory of the operations that users wait for,
// on their own machine, beside the measured peak of its processor.
package bench
