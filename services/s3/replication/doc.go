// Package replication holds the rules of replication configurations: For says by
// which of them an object is copied, and where to.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
package replication
