// Package replication holds the rules of replication configurations: Check
// says whether a bucket can be given one, as far as the document alone shows it.
package replication
