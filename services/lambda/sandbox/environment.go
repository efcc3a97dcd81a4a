package sandbox

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Places are where things are inside a sandbox.
type Places struct {
	// Task is the code, Opt the layers, Client the runtime client ("" where the
	// image brings its own).
	Task, Opt, Client string
}

// Variables are the environment variables that Lambda defines for a function,
// with the function's own, in order of their names. Lambda's win over the function's.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
//
// AWS_LAMBDA_RUNTIME_API and AWS_ENDPOINT_URL are the init's to add. The search
// paths are in SearchPaths, because images bring their own.
func (s *Spec) Variables(logStream string, at Places) []string {
	v := maps.Clone(s.Environment)
	if v == nil {
		v = map[string]string{}
	}
	for name, value := range map[string]string{
		"AWS_REGION":                      s.Region,
		"AWS_DEFAULT_REGION":              s.Region,
		"AWS_ACCESS_KEY_ID":               s.Credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           s.Credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":               s.Credentials.SessionToken,
		"AWS_LAMBDA_FUNCTION_NAME":        s.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     s.Key.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(s.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME":       s.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      logStream,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_EXECUTION_ENV":               s.executionEnvironment(),
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"LAMBDA_TASK_ROOT":                at.Task,
		"LAMBDA_RUNTIME_DIR":              at.Client,
		"_HANDLER":                        s.Handler,
	} {
		if value != "" {
			v[name] = value
		}
	}
	// These have a default that a function may change.
	for name, value := range map[string]string{"TZ": ":UTC", "LANG": "en_US.UTF-8"} {
		if _, own := v[name]; !own {
			v[name] = value
		}
	}
	return list(v)
}

// SearchPaths are the variables that say where programs and libraries are: path is
// the PATH of the machine or image.
func (s *Spec) SearchPaths(at Places, path string) []string {
	v := map[string]string{
		"PATH":            path,
		"LD_LIBRARY_PATH": join(at.Task, at.Task+"/lib"),
	}
	if at.Opt != "" {
		v["PATH"] = join(path, at.Opt+"/bin")
		v["LD_LIBRARY_PATH"] = join(at.Task, at.Task+"/lib", at.Opt+"/lib")
	}
	if version, ok := strings.CutPrefix(s.Runtime, "nodejs"); ok && at.Opt != "" {
		v["NODE_PATH"] = join(at.Opt+"/nodejs/node"+strings.TrimSuffix(version, ".x")+"/node_modules", at.Opt+"/nodejs/node_modules")
	}
	if strings.HasPrefix(s.Runtime, "python") && at.Opt != "" {
		v["VIRGA_LAYERS"] = at.Opt
	}
	for name := range v {
		if own, ok := s.Environment[name]; ok {
			v[name] = own
		}
	}
	return list(v)
}

func join(paths ...string) string { return strings.Join(paths, ":") }

func list(v map[string]string) []string {
	out := make([]string, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		out = append(out, name+"="+v[name])
	}
	return out
}

// executionEnvironment is AWS_EXECUTION_ENV, which OS-only runtimes and images do not have.
func (s *Spec) executionEnvironment() string {
	if s.Runtime == "" || strings.HasPrefix(s.Runtime, "provided") {
		return ""
	}
	return "AWS_Lambda_" + s.Runtime
}
