package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// read makes a config of arguments and environment variables ("NAME=value").
func read(args []string, env ...string) (*config, error) {
	c := new(config)
	f := pflag.NewFlagSet("start", pflag.ContinueOnError)
	c.flags(f)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	vars := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		vars[name] = value
	}
	return c, c.environment(f, func(name string) string { return vars[name] })
}

// A flag wins over its VIRGA_ variable, and that over LocalStack's name.
func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		env  []string
		ok   func(*config) bool
	}{
		{"defaults", nil, nil, func(c *config) bool {
			return c.host == "127.0.0.1" && c.port == 4566 && c.data == ".virga" && !c.memory && c.auth == "off" &&
				c.executor == "auto" && c.level() == 0 && c.lambda.RemoveContainers && c.lambda.KeepAliveMS == 600_000
		}},
		{"flags", []string{"--port", "1", "--memory", "--auth", "enforce"}, nil, func(c *config) bool {
			return c.port == 1 && c.memory && c.auth == "enforce"
		}},
		{"our variables", nil, []string{"VIRGA_PORT=2", "VIRGA_LAMBDA_EXECUTOR=docker", "VIRGA_MEMORY=true"}, func(c *config) bool {
			return c.port == 2 && c.executor == "docker" && c.memory
		}},
		{"a flag before a variable", []string{"--port", "1"}, []string{"VIRGA_PORT=2", "EDGE_PORT=3", "GATEWAY_LISTEN=0.0.0.0:4"}, func(c *config) bool {
			return c.port == 1 && c.host == "0.0.0.0"
		}},
		{"our variable before LocalStack's", nil, []string{"VIRGA_PORT=2", "EDGE_PORT=3"}, func(c *config) bool { return c.port == 2 }},
		{"EDGE_PORT", nil, []string{"EDGE_PORT=3"}, func(c *config) bool { return c.port == 3 }},
		{"GATEWAY_LISTEN", nil, []string{"GATEWAY_LISTEN=0.0.0.0:4567,0.0.0.0:443"}, func(c *config) bool {
			return c.host == "0.0.0.0" && c.port == 4567
		}},
		{"GATEWAY_LISTEN with a port alone", nil, []string{"GATEWAY_LISTEN=:4567"}, func(c *config) bool {
			return c.host == "127.0.0.1" && c.port == 4567
		}},
		{"LOCALSTACK_HOST", nil, []string{"LOCALSTACK_HOST=aws.test:4566"}, func(c *config) bool { return c.publicHost == "aws.test" }},
		{"no doors", nil, nil, func(c *config) bool { return c.s3Port == noPort && c.dynamoPort == noPort && c.minio.id == "" }},
		{"doors", []string{"--s3-port", "9000"}, []string{"VIRGA_DYNAMODB_PORT=8000"}, func(c *config) bool { return c.s3Port == 9000 && c.dynamoPort == 8000 }},
		{"MinIO's root user", nil, []string{"MINIO_ROOT_USER=minioadmin", "MINIO_ROOT_PASSWORD=minioadmin"}, func(c *config) bool {
			return c.minio == rootKey{"minioadmin", "minioadmin"}
		}},
		{"PERSISTENCE off", nil, []string{"PERSISTENCE=0"}, func(c *config) bool { return c.memory }},
		{"PERSISTENCE on", nil, []string{"PERSISTENCE=1"}, func(c *config) bool { return !c.memory }},
		{"ENFORCE_IAM", nil, []string{"ENFORCE_IAM=1"}, func(c *config) bool { return c.auth == "enforce" }},
		{"DEBUG", nil, []string{"DEBUG=1"}, func(c *config) bool { return c.logLevel == "debug" }},
		{"LS_LOG", nil, []string{"LS_LOG=trace"}, func(c *config) bool { return c.logLevel == "debug" }},
		{"LS_LOG warning", nil, []string{"LS_LOG=warning"}, func(c *config) bool { return c.logLevel == "warn" }},
		{"SERVICES", nil, []string{"SERVICES=s3, lambda"}, func(c *config) bool {
			return strings.Join(c.services, "+") == "s3+lambda"
		}},
		{"Lambda", nil, []string{"LAMBDA_KEEPALIVE_MS=5", "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT=7", "LAMBDA_REMOVE_CONTAINERS=0",
			"LAMBDA_DOCKER_NETWORK=n", "LAMBDA_DOCKER_FLAGS=-e A=1", "LAMBDA_RUNTIME_IMAGE_MAPPING=x/<runtime>"}, func(c *config) bool {
			l := c.lambda
			return l.KeepAliveMS == 5 && l.InitTimeoutS == 7 && !l.RemoveContainers && l.DockerNetwork == "n" &&
				l.DockerFlags == "-e A=1" && l.RuntimeImageMapping == "x/<runtime>"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(c.args, c.env...)
			if err != nil {
				t.Fatal(err)
			}
			if !c.ok(got) {
				t.Errorf("%v with %v gives %+v", c.args, c.env, *got)
			}
		})
	}
}

// What cannot be meant is refused in one sentence, before anything starts.
func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  []string
		want string
	}{
		{[]string{"--auth", "maybe"}, nil, `--auth takes one of: off, audit, enforce; not "maybe"`},
		{[]string{"--lambda-executor", "vm"}, nil, `--lambda-executor takes one of: auto, docker, process; not "vm"`},
		{nil, []string{"VIRGA_LOG_LEVEL=loud"}, `--log-level takes one of: debug, info, warn, error; not "loud"`},
		{[]string{"--data", "x", "--memory"}, nil, "--data and --memory exclude each other"},
		{nil, []string{"EDGE_PORT=http"}, "EDGE_PORT=http is not a port"},
		{nil, []string{"GATEWAY_LISTEN=4566"}, "GATEWAY_LISTEN=4566 is not an address such as 0.0.0.0:4566"},
		{nil, []string{"LAMBDA_KEEPALIVE_MS=soon"}, "LAMBDA_KEEPALIVE_MS=soon is not a number"},
	} {
		if _, err := read(c.args, c.env...); err == nil || err.Error() != c.want {
			t.Errorf("%v with %v: %v, want %s", c.args, c.env, err, c.want)
		}
	}
}
