// Package lifecycle holds the rules of lifecycle configurations: Check says
// whether a bucket can be given one, and a Plan what is to become of an object by
// it, and when.
//
// What is due falls due at a midnight of UTC: the days of a rule are counted from
// when an object was made, or became noncurrent, and end with the day on which
// the last of them does. Nothing here acts; time and objects are given.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
package lifecycle
