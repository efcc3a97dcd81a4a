package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/virga-cloud/virga/services/service"
)

// config is what flags and environment variables say. A flag wins over its
// VIRGA_ variable, and that over LocalStack's name for the same thing.
type config struct {
	host       string
	port       int
	s3Port     int // of a door that speaks S3 only; noPort for none
	dynamoPort int // likewise DynamoDB
	dynamoKeys bool
	data       string
	memory     bool
	sync       bool
	auth       string
	executor   string
	logLevel   string
	tls        bool
	pprof      string
	publicHost string   // in addresses that answers hold
	services   []string // empty: all
	lambda     service.LambdaConfig
	dynamo     service.DynamoDBConfig
	// minio is the root user that MinIO's variables name; its id is "" for none.
	minio rootKey
}

const (
	defaultPort = 4566
	noPort      = -1
)

// flags declares the flags of `virga start`.
func (c *config) flags(f *pflag.FlagSet) {
	f.StringVar(&c.host, "host", "127.0.0.1", "address to listen on")
	f.IntVar(&c.port, "port", defaultPort, "port to listen on; 0 takes a free one")
	f.IntVar(&c.s3Port, "s3-port", noPort, "further port, for S3 only, as MinIO's 9000; 0 takes a free one")
	f.IntVar(&c.dynamoPort, "dynamodb-port", noPort, "further port, for DynamoDB only, as DynamoDB Local's 8000; 0 takes a free one")
	f.BoolVar(&c.dynamoKeys, "dynamodb-account-per-key", false, "on DynamoDB's port, keep other tables for each access key, as DynamoDB Local does")
	f.StringVar(&c.data, "data", ".virga", "directory that keeps everything")
	f.BoolVar(&c.memory, "memory", false, "keep everything in memory instead")
	f.BoolVar(&c.sync, "sync", false, "write to the disk before answering, to survive power loss too")
	f.StringVar(&c.auth, "auth", "off", "off, audit or enforce")
	f.StringVar(&c.executor, "lambda-executor", "auto", "auto, docker or process")
	f.DurationVar(&c.dynamo.CreateDelay, "dynamodb-create-delay", 0, "how long DynamoDB's tables are CREATING")
	f.DurationVar(&c.dynamo.UpdateDelay, "dynamodb-update-delay", 0, "how long DynamoDB's tables are UPDATING")
	f.DurationVar(&c.dynamo.DeleteDelay, "dynamodb-delete-delay", 0, "how long DynamoDB's tables are DELETING")
	f.DurationVar(&c.dynamo.IndexDelay, "dynamodb-index-delay", 0, "how long new indexes of DynamoDB's tables are CREATING")
	f.BoolVar(&c.dynamo.Throttle, "dynamodb-throttle", false, "refuse DynamoDB requests beyond the capacity of their table, or the most it may take on demand")
	f.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
	f.BoolVar(&c.tls, "tls", false, "also answer TLS on the same port, with a certificate made for it")
	f.StringVar(&c.pprof, "pprof", "", "address to serve Go's profiles on, as in 127.0.0.1:6060")
	f.StringVar(&c.publicHost, "public-host", "localhost.localstack.cloud", "host in the addresses that answers hold")
}

// environment fills what no flag has set from the environment.
func (c *config) environment(f *pflag.FlagSet, getenv func(string) string) error {
	var failed error
	f.VisitAll(func(flag *pflag.Flag) {
		name := "VIRGA_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if v := getenv(name); v != "" && !flag.Changed {
			if err := f.Set(flag.Name, v); err != nil && failed == nil {
				failed = fmt.Errorf("%s=%s: %w", name, v, err)
			}
		}
	})
	if failed != nil {
		return failed
	}
	if err := c.localstack(f, getenv); err != nil {
		return err
	}
	c.minio = rootKey{getenv("MINIO_ROOT_USER"), getenv("MINIO_ROOT_PASSWORD")}
	if (c.minio.id == "") != (c.minio.secret == "") {
		return fmt.Errorf("MINIO_ROOT_USER and MINIO_ROOT_PASSWORD go together")
	}
	for _, check := range []struct{ name, value, allowed string }{
		{"auth", c.auth, "off audit enforce"},
		{"lambda-executor", c.executor, "auto docker process"},
		{"log-level", c.logLevel, "debug info warn error"},
	} {
		if !slices.Contains(strings.Fields(check.allowed), check.value) {
			return fmt.Errorf("--%s takes one of: %s; not %q", check.name, strings.ReplaceAll(check.allowed, " ", ", "), check.value)
		}
	}
	if c.memory && f.Changed("data") {
		return fmt.Errorf("--data and --memory exclude each other")
	}
	return nil
}

// localstack reads the variables that LocalStack's users have set.
func (c *config) localstack(f *pflag.FlagSet, getenv func(string) string) error {
	unset := func(flag string) bool { return !f.Changed(flag) }
	if v := getenv("EDGE_PORT"); v != "" && unset("port") {
		port, err := strconv.Atoi(v)
		if err != nil {
			return fmt.Errorf("EDGE_PORT=%s is not a port", v)
		}
		c.port = port
	}
	if v := getenv("GATEWAY_LISTEN"); v != "" {
		first, _, _ := strings.Cut(v, ",")
		host, port, err := net.SplitHostPort(first)
		if err != nil {
			return fmt.Errorf("GATEWAY_LISTEN=%s is not an address such as 0.0.0.0:4566", v)
		}
		if unset("host") && host != "" {
			c.host = host
		}
		if n, err := strconv.Atoi(port); err == nil && unset("port") {
			c.port = n
		}
	}
	if v := getenv("LOCALSTACK_HOST"); v != "" && unset("public-host") {
		c.publicHost, _, _ = strings.Cut(v, ":")
	}
	if v := getenv("PERSISTENCE"); v != "" && unset("data") && unset("memory") {
		c.memory = !truth(v)
	}
	if truth(getenv("ENFORCE_IAM")) && unset("auth") {
		c.auth = "enforce"
	}
	if unset("log-level") {
		switch v := getenv("LS_LOG"); {
		case v == "trace" || truth(getenv("DEBUG")):
			c.logLevel = "debug"
		case v == "warning":
			c.logLevel = "warn"
		case v != "":
			c.logLevel = v
		}
	}
	if v := getenv("SERVICES"); v != "" {
		for name := range strings.SplitSeq(v, ",") {
			c.services = append(c.services, strings.TrimSpace(name))
		}
	}
	return c.lambdaEnvironment(getenv)
}

func (c *config) lambdaEnvironment(getenv func(string) string) error {
	c.lambda = service.LambdaConfig{
		DockerNetwork:       getenv("LAMBDA_DOCKER_NETWORK"),
		DockerFlags:         getenv("LAMBDA_DOCKER_FLAGS"),
		RuntimeImageMapping: getenv("LAMBDA_RUNTIME_IMAGE_MAPPING"),
		RemoveContainers:    true,
		KeepAliveMS:         600_000,
		InitTimeoutS:        20,
	}
	if v := getenv("LAMBDA_REMOVE_CONTAINERS"); v != "" {
		c.lambda.RemoveContainers = truth(v)
	}
	for name, field := range map[string]*int{
		"LAMBDA_KEEPALIVE_MS":                &c.lambda.KeepAliveMS,
		"LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": &c.lambda.InitTimeoutS,
	} {
		if v := getenv(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 {
				return fmt.Errorf("%s=%s is not a number", name, v)
			}
			*field = n
		}
	}
	return nil
}

// level is the log level; environment has checked it.
func (c *config) level() slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(c.logLevel))
	return l
}

func truth(v string) bool {
	return v == "1" || strings.EqualFold(v, "true") || strings.EqualFold(v, "yes")
}

// endpoint is the address that the other commands talk to.
func endpoint() string {
	for _, name := range []string{"VIRGA_ENDPOINT", "AWS_ENDPOINT_URL"} {
		if v := os.Getenv(name); v != "" {
			return strings.TrimSuffix(v, "/")
		}
	}
	port := os.Getenv("VIRGA_PORT")
	if port == "" {
		port = strconv.Itoa(defaultPort)
	}
	return "http://127.0.0.1:" + port
}
