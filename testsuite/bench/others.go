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

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// othersDir is where the other servers are installed, in the module's directory
// of what is built.
var othersDir = filepath.Join("dist", "others")

// other is a server of somebody else's that does a part of what Virga does.
type other struct {
	name, version string
	// install installs it in a directory, where command starts it then: it listens,
	// and keeps what it keeps in data.
	install func(ctx context.Context, dir, version string) *exec.Cmd
	command func(dir, host, port, data string) []string
	// serves says whether it is for a case.
	serves func(c *requestCase) bool
	// credential is the access key that it knows ("" knows any).
	credential string
	// prepare does what fill can not do with such requests as we send; nil for nothing.
	prepare func(ctx context.Context, address string) error
	fill    func(*conn) error
}

var others = []other{
	{
		// https://github.com/architect/dynalite
		name: "dynalite", version: "4.0.0", install: byNPM("dynalite"), fill: fillItems,
		command: func(dir, host, port, _ string) []string {
			return []string{"node", dir + "/node_modules/dynalite/cli.js", "--host", host, "--port", port, "--createTableMs", "0"}
		},
		serves: func(c *requestCase) bool { return c.others && !c.isObject() },
	},
	{
		// https://github.com/jamhall/s3rver
		name: "s3rver", version: "3.7.1", install: byNPM("s3rver"), fill: fillObjects, credential: "S3RVER",
		command: func(dir, host, port, data string) []string {
			return []string{"node", dir + "/node_modules/s3rver/bin/s3rver.js", "-a", host, "-p", port, "-d", data,
				"--silent", "--allow-mismatched-signatures", "--no-vhost-buckets"}
		},
		serves: func(c *requestCase) bool { return c.others && c.isObject() },
	},
	{
		// It insists on signatures, so its bucket is open to everybody.
		// https://github.com/minio/minio
		name: "minio", version: "v0.0.0-20260212201848-7aac2a2c5b7c", fill: fillBench, credential: anonymous, prepare: openBucket,
		install: func(ctx context.Context, dir, version string) *exec.Cmd {
			c := exec.CommandContext(ctx, "go", "install", "github.com/minio/minio@"+version)
			c.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
			return c
		},
		command: func(dir, host, port, data string) []string {
			return []string{dir + "/minio", "server", data, "--address", net.JoinHostPort(host, port), "--quiet"}
		},
		serves: func(c *requestCase) bool { return c.others && c.isObject() },
	},
}

// byNPM installs a package of Node's.
func byNPM(name string) func(ctx context.Context, dir, version string) *exec.Cmd {
	return func(ctx context.Context, dir, version string) *exec.Cmd {
		return exec.CommandContext(ctx, "npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", dir, name+"@"+version)
	}
}

// openBucket makes a bucket that everybody may read and write.
func openBucket(ctx context.Context, address string) error {
	client := s3.New(s3.Options{
		BaseEndpoint: new("http://" + address), Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("minioadmin", "minioadmin", ""),
	})
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: new("bench")}); err != nil {
		return err
	}
	_, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: new("bench"), Policy: new(`{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::bench/*"]}]}`)})
	return err
}

// installed is the directory where a server of that version is, which is
// installed unless it is there.
func (o *other) installed(ctx context.Context) (dir string, err error) {
	if dir, err = filepath.Abs(filepath.Join(othersDir, o.name+"-"+o.version)); err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	progress("installing %s %s", o.name, o.version)
	unfinished := dir + ".unfinished"
	if err := os.MkdirAll(unfinished, 0o755); err != nil {
		return "", err
	}
	if out, err := o.install(ctx, unfinished, o.version).CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing it: %w: %s", err, out[max(0, len(out)-500):])
	}
	return dir, os.Rename(unfinished, dir)
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
	dir, err := o.installed(ctx)
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
	command := o.command(dir, host, port, filepath.Join(b.dir, o.name))
	s, err := begin(ctx, o.name, address, filepath.Join(b.dir, o.name+".log"), command[0], command[1:]...)
	if err != nil {
		return nil, err
	}
	s.serves, s.credential = o.serves, o.credential
	progress("filling %s", o.name)
	if err := o.fillSubject(ctx, s); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

func (o *other) fillSubject(ctx context.Context, s *subject) error {
	first, err := s.connect(ctx)
	if err != nil {
		return err
	}
	first.Close()
	if o.prepare != nil {
		if err := o.prepare(ctx, s.address); err != nil {
			return err
		}
	}
	c, err := dial(s.address)
	if err != nil {
		return err
	}
	defer c.Close()
	c.credential = o.credential
	return o.fill(c)
}
