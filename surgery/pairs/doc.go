// Package pairs makes preference pairs from a model itself, so that detoxification needs no data from outside: the
// rejected continuation of a neutral beginning is one that the model writes after lines of abuse and that a judge calls
// toxic, the chosen one is written without them and judged clean.
//
// The package carries the product's own abusive lines (primers) and beginnings, and a set of pairs made from these.
// The files under data contain offensive language: it is what has to be elicited before it can be removed.
package pairs
