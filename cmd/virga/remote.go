package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/virga-cloud/virga/server"
)

// remote calls the admin API of a running server; the answer is read into out.
func remote(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, endpoint()+path, body)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no server answers at %s; start one with `virga start`", endpoint())
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var e struct{ Message string }
		json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&e)
		return fmt.Errorf("the server answered %s: %s", resp.Status, e.Message)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say whether a server runs, and with which services",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var h struct {
				Version  string
				Services map[string]string
			}
			if err := remote("GET", "/_virga/health", nil, &h); err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "virga %s at %s\n", h.Version, endpoint())
			for _, name := range sortedKeys(h.Services) {
				fmt.Fprintf(w, "%s\t%s\n", name, h.Services[name])
			}
			return w.Flush()
		},
	}
}

func resetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reset",
		Short: "Delete everything a running server holds",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote("POST", "/_virga/reset", nil, &struct{}{})
		},
	}
}

func clockCommand() *cobra.Command {
	change := func(in any) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			method := "POST"
			if in == nil {
				method = "GET"
			}
			var out struct{ Now time.Time }
			if err := remote(method, "/_virga/clock", in, &out); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), out.Now.Format(time.RFC3339Nano))
			return nil
		}
	}
	clock := &cobra.Command{
		Use:   "clock",
		Short: "Read or change the time a running server goes by",
		Args:  cobra.NoArgs,
		RunE:  change(nil),
	}
	clock.AddCommand(
		&cobra.Command{
			Use: "advance DURATION", Short: "Move the clock forward, by a duration such as 90s or 72h",
			Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return change(map[string]string{"advance": args[0]})(cmd, args)
			},
		},
		&cobra.Command{Use: "freeze", Short: "Stop the clock", Args: cobra.NoArgs, RunE: change(map[string]bool{"freeze": true})},
		&cobra.Command{Use: "reset", Short: "Go by the machine's time again", Args: cobra.NoArgs, RunE: change(map[string]bool{"reset": true})},
	)
	return clock
}

func coverageCommand() *cobra.Command {
	var missing bool
	c := &cobra.Command{
		Use:   "coverage [SERVICE]",
		Short: "List what a running server implements, with the parameters that have no effect",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []server.Coverage
			if err := remote("GET", "/_virga/coverage", nil, &all); err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			found := false
			for _, svc := range all {
				if len(args) == 1 && args[0] != svc.Service {
					continue
				}
				found = true
				done := 0
				for _, op := range svc.Operations {
					if op.Implemented {
						done++
					}
				}
				fmt.Fprintf(w, "%s\t%d of %d operations\n", svc.Service, done, len(svc.Operations))
				for _, op := range svc.Operations {
					switch {
					case op.Implemented && len(op.NoEffect) > 0:
						fmt.Fprintf(w, "  %s\timplemented; without effect: %v\n", op.Name, op.NoEffect)
					case op.Implemented:
						fmt.Fprintf(w, "  %s\timplemented\n", op.Name)
					case missing || len(args) == 1:
						fmt.Fprintf(w, "  %s\tnot implemented\n", op.Name)
					}
				}
			}
			if !found {
				return fmt.Errorf("there is no service %q", args[0])
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&missing, "all", false, "list what is not implemented too")
	return c
}
