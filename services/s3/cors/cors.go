// Package cors holds the rules of cross-origin configurations: Check says
// whether a bucket can be given one.
package cors
