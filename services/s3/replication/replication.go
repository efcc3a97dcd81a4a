// Package replication holds the rules of replication configurations: Check
// says whether a bucket can be given one, as far as the document alone shows it,
// and For by which of its rules an object is copied.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
package replication
