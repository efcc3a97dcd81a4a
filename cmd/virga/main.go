// Command virga is a local AWS: it serves S3, DynamoDB, Lambda, API Gateway and
// the services around them on one port.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/virga-cloud/virga/services/lambda/sandbox/tube"
)

// version is set by the linker.
var version = "dev"

// sandboxInit is the hidden subcommand that is the init of functions' sandboxes.
const sandboxInit = "sandbox-init"

func main() {
	// A function's sandbox runs this same binary as its init. It comes before
	// everything else: it must start in a few milliseconds.
	if len(os.Args) > 1 && os.Args[1] == sandboxInit {
		os.Exit(tube.Main(os.Args[2:]))
	}
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "virga:", err)
		os.Exit(1)
	}
}

// command is the whole command line. Every error is one sentence.
func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "virga",
		Short:         "A local AWS: S3, DynamoDB, Lambda and API Gateway on one port",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(startCommand(), statusCommand(), resetCommand(), clockCommand(), coverageCommand(), versionCommand())
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), version) },
	}
}
