// Package website holds the rules of website configurations: Check says
// whether a bucket can be given one.
package website
