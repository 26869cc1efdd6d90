// Package report presents what an operation did: report.json for programs,
// report.html for people (one file without outside resources, light and dark), and
// a table for the terminal.
package report
