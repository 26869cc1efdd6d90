// Package surgery is the whole operation on a model file:
//
//	Open -> measure the original -> Localize -> Train -> Write -> measure the file
//
// The result is judged on the file that was written and read again, since an
// edit that rounding undoes is no edit.
package surgery
