// The init of sandboxes as a program of its own, for tests.
package main

import (
	"os"

	"github.com/virga-cloud/virga/services/lambda/sandbox/tube"
)

func main() { os.Exit(tube.Main(os.Args[2:])) }
