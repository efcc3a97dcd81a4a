package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// othersDir is where the other servers are installed, in the module's directory
// of what is built.
var othersDir = filepath.Join("dist", "others")

// other is a server of somebody else's that does a part of what Virga does. Node
// runs it, and npm installs it.
type other struct {
	name, version string
	// program is its file within what npm has installed, and flags make it
	// listen, and keep what it keeps in a directory.
	program string
	flags   func(host, port, dir string) []string
	// serves says whether it is for a case.
	serves func(c *requestCase) bool
	// credential is the access key that it knows ("" knows any).
	credential string
	fill       func(*conn) error
}

var others = []other{
	{
		// https://github.com/architect/dynalite
		name: "dynalite", version: "4.0.0", program: "dynalite/cli.js", fill: fillItems,
		flags: func(host, port, _ string) []string {
			return []string{"--host", host, "--port", port, "--createTableMs", "0"}
		},
		serves: func(c *requestCase) bool { return c.others && !c.isObject() },
	},
	{
		// https://github.com/jamhall/s3rver
		name: "s3rver", version: "3.7.1", program: "s3rver/bin/s3rver.js", fill: fillObjects, credential: "S3RVER",
		flags: func(host, port, dir string) []string {
			return []string{"-a", host, "-p", port, "-d", dir, "--silent", "--allow-mismatched-signatures", "--no-vhost-buckets"}
		},
		serves: func(c *requestCase) bool { return c.others && c.isObject() },
	},
}

// install puts the program of a server of that version where it is looked for,
// unless it is there.
func (o *other) install(ctx context.Context) (program string, err error) {
	dir := filepath.Join(othersDir, o.name+"-"+o.version)
	program = filepath.Join(dir, "node_modules", filepath.FromSlash(o.program))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	progress("installing %s %s", o.name, o.version)
	npm := exec.CommandContext(ctx, "npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", dir, o.name+"@"+o.version)
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install: %w: %s", err, out[:min(len(out), 500)])
	}
	return program, nil
}

// startOthers starts the servers that serve one of the cases, and fills them. One
// that is not to be had is left out.
func (b *bench) startOthers(ctx context.Context, cases []requestCase) (started []*subject, err error) {
	if !b.others {
		return nil, nil
	}
	for i := range others {
		o := &others[i]
		if !slices.ContainsFunc(cases, func(c requestCase) bool { return o.serves(&c) }) {
			continue
		}
		s, err := b.startOther(ctx, o)
		if err != nil {
			b.report.omit(o.name, err.Error())
			continue
		}
		started = append(started, s)
	}
	return started, ctx.Err()
}

func (b *bench) startOther(ctx context.Context, o *other) (*subject, error) {
	program, err := o.install(ctx)
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	flags := o.flags(host, port, filepath.Join(b.dir, o.name))
	s, err := begin(ctx, o.name, address, filepath.Join(b.dir, o.name+".log"), "node", append([]string{program}, flags...)...)
	if err != nil {
		return nil, err
	}
	s.serves, s.credential = o.serves, o.credential
	progress("filling %s", o.name)
	c, err := dial(s.address)
	for err != nil && !s.gone() && ctx.Err() == nil {
		var waited net.Conn
		if waited, err = s.connect(ctx); err == nil {
			waited.Close()
			c, err = dial(s.address)
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	defer c.Close()
	c.credential = o.credential
	if err := o.fill(c); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}
