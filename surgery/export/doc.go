// Package export writes what an edit does to a model in the forms that other
// programs load: as low-rank adapters, as a control vector, as an Ollama Modelfile.
//
// The change of a tensor is what its weights become less what they were, both as
// decoded, so that it may come from an edit file or from two model files. An adapter
// holds the best product of two thin matrices for it; how much of the change that
// keeps is reported per tensor, and is all of it only if the change has so low a rank.
//
// A form is one file and one row of the table in table.go.
package export
