// Package lifecycle holds the rules of lifecycle configurations: Check says
// whether a bucket can be given one.
package lifecycle
