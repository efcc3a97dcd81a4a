package lambda

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/storage"
)

// configuration is what of a version is configured.
type configuration struct {
	Runtime, Role, Handler       string
	Description                  string
	Timeout, MemorySize, Storage int32
	Environment                  map[string]string
	Architecture                 string
	DeadLetter                   string
	PackageType                  string
	Entrypoint, Command          []string
	WorkDir                      string
	LogFormat, LogGroup          string
	AppLevel, SystemLevel        string
	KMSKey, Tracing, SnapStart   string
	Subnets, SecurityGroups      []string
}

// Defaults and limits of a configuration: seconds, and MB.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	defaultTimeout = 3
	defaultMemory  = 128
	defaultStorage = 512
	maxTimeout     = 900
	maxMemory      = 10240
)

// newConfiguration is that of a new function, as far as update takes it otherwise.
func newConfiguration(in *lam.CreateFunctionInput) configuration {
	c := configuration{
		Runtime: string(in.Runtime), Role: in.Role, Handler: in.Handler, Description: in.Description,
		Timeout: or(in.Timeout, defaultTimeout), MemorySize: or(in.MemorySize, defaultMemory), Storage: defaultStorage,
		Architecture: string(lam.ArchitectureX86_64), PackageType: string(lam.PackageTypeZip), KMSKey: in.KMSKeyArn,
	}
	if in.PackageType != "" {
		c.PackageType = string(in.PackageType)
	}
	if len(in.Architectures) > 0 {
		c.Architecture = string(in.Architectures[0])
	}
	return c
}

// checkLimits refuses what only other kinds of functions may have: the model
// allows more than functions get that are not on instances of their own.
func checkLimits(timeout, memory *int32) error {
	if or(timeout, 0) > maxTimeout {
		return errInvalidValue("'Timeout' value failed to satisfy constraint: Member must have value less than or equal to %d", maxTimeout)
	}
	if or(memory, 0) > maxMemory {
		return errInvalidValue("'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to %d", maxMemory)
	}
	return nil
}

// reservedVariables are the environment variables that functions may not set.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
	"AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
	"AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "AWS_SECURITY_TOKEN",
}

// maxEnvironment is the size of all variables together as JSON, in bytes.
const maxEnvironment = 4096

func checkEnvironment(variables map[string]string) error {
	var reserved []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if slices.Contains(reservedVariables, name) {
			reserved = append(reserved, name)
		}
	}
	if len(reserved) > 0 {
		return errInvalidValue("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
	}
	var measured bytes.Buffer
	e := json.NewEncoder(&measured)
	e.SetEscapeHTML(false)
	if err := e.Encode(variables); err != nil {
		return err
	}
	text := strings.TrimSuffix(measured.String(), "\n")
	if len(text) > maxEnvironment {
		return errInvalidValue("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", text)
	}
	return nil
}

// shared are the members of creation and update that are structures; nil
// leaves one as it is.
type shared struct {
	environment *lam.Environment
	dlq         *lam.DeadLetterConfig
	disk        *lam.EphemeralStorage
	image       *lam.ImageConfig
	logging     *lam.LoggingConfig
	tracing     *lam.TracingConfig
	snap        *lam.SnapStart
	vpc         *lam.VpcConfig
}

func (c *configuration) configure(in shared) error {
	if e := in.environment; e != nil {
		if err := checkEnvironment(e.Variables); err != nil {
			return err
		}
		if c.Environment = e.Variables; c.Environment == nil {
			c.Environment = map[string]string{}
		}
	}
	if in.dlq != nil {
		c.DeadLetter = in.dlq.TargetArn
	}
	if in.disk != nil {
		c.Storage = or(in.disk.Size, defaultStorage)
	}
	if i := in.image; i != nil {
		c.Entrypoint, c.Command, c.WorkDir = i.EntryPoint, i.Command, i.WorkingDirectory
	}
	if l := in.logging; l != nil {
		c.LogFormat, c.LogGroup = string(l.LogFormat), l.LogGroup
		c.AppLevel, c.SystemLevel = string(l.ApplicationLogLevel), string(l.SystemLogLevel)
	}
	if in.tracing != nil {
		c.Tracing = string(in.tracing.Mode)
	}
	if in.snap != nil {
		c.SnapStart = string(in.snap.ApplyOn)
	}
	if in.vpc != nil {
		c.Subnets, c.SecurityGroups = in.vpc.SubnetIds, in.vpc.SecurityGroupIds
	}
	return nil
}

// content stands for code and configuration: it is the same when they are.
func (v *version) content() string {
	c := v.configuration
	b, err := json.Marshal(struct {
		Configuration configuration
		Code, Image   string
	}{c, v.CodeSHA256, v.Image})
	if err != nil {
		panic(err) // strings and numbers
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// describe is the version as GetFunction shows it: ready, since there is
// nothing to wait for. The ARN is the one by which it was asked for.
func (v *version) describe(r reference) *lam.FunctionConfiguration {
	c := v.listed(r)
	c.State, c.LastUpdateStatus = lam.StateActive, lam.LastUpdateStatusSuccessful
	return c
}

// What AWS says of functions that are being made. Ours are ready at once; the
// answers are the same so that nobody relies on what AWS does not promise.
const creating = "The function is being created."

// beingCreated is the version as its creation is answered.
func (v *version) beingCreated(r reference) *lam.FunctionConfiguration {
	c := v.listed(r)
	c.State, c.StateReason, c.StateReasonCode = lam.StatePending, creating, lam.StateReasonCodeCreating
	return c
}

// beingUpdated is the version as its update is answered.
func (v *version) beingUpdated(r reference) *lam.FunctionConfiguration {
	c := v.describe(r)
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = lam.LastUpdateStatusInProgress, creating, "Creating"
	return c
}

// listed is the version as lists show it, which say nothing of states.
func (v *version) listed(r reference) *lam.FunctionConfiguration {
	c := &lam.FunctionConfiguration{
		FunctionName: v.Name, FunctionArn: r.qualified(), Runtime: lam.Runtime(v.Runtime), Role: v.Role, Handler: v.Handler,
		CodeSize: new(v.CodeSize), Description: new(v.Description), Timeout: new(v.Timeout), MemorySize: new(v.MemorySize),
		LastModified: v.LastModified.UTC().Format("2006-01-02T15:04:05.000-0700"), CodeSha256: v.CodeSHA256, Version: v.Version,
		RevisionId: v.Revision, KMSKeyArn: v.KMSKey, PackageType: lam.PackageType(v.PackageType),
		Architectures: []lam.Architecture{lam.Architecture(v.Architecture)}, EphemeralStorage: &lam.EphemeralStorage{Size: new(v.Storage)},
		TracingConfig: &lam.TracingConfigResponse{Mode: lam.TracingModePassThrough},
		SnapStart:     &lam.SnapStartResponse{ApplyOn: lam.SnapStartApplyOnNone, OptimizationStatus: lam.SnapStartOptimizationStatusOff},
		LoggingConfig: &lam.LoggingConfig{LogFormat: lam.LogFormatText, LogGroup: v.logGroup(),
			ApplicationLogLevel: lam.ApplicationLogLevel(v.AppLevel), SystemLogLevel: lam.SystemLogLevel(v.SystemLevel)},
	}
	if v.Environment != nil {
		c.Environment = &lam.EnvironmentResponse{Variables: v.Environment}
	}
	if v.DeadLetter != "" {
		c.DeadLetterConfig = &lam.DeadLetterConfig{TargetArn: v.DeadLetter}
	}
	if v.Tracing != "" {
		c.TracingConfig.Mode = lam.TracingMode(v.Tracing)
	}
	if v.SnapStart != "" {
		c.SnapStart.ApplyOn = lam.SnapStartApplyOn(v.SnapStart)
	}
	if v.LogFormat != "" {
		c.LoggingConfig.LogFormat = lam.LogFormat(v.LogFormat)
	}
	if len(v.Subnets) > 0 || len(v.SecurityGroups) > 0 {
		c.VpcConfig = &lam.VpcConfigResponse{SubnetIds: v.Subnets, SecurityGroupIds: v.SecurityGroups}
	}
	if v.PackageType == string(lam.PackageTypeImage) && (v.Entrypoint != nil || v.Command != nil || v.WorkDir != "") {
		c.ImageConfigResponse = &lam.ImageConfigResponse{ImageConfig: &lam.ImageConfig{
			EntryPoint: v.Entrypoint, Command: v.Command, WorkingDirectory: v.WorkDir}}
	}
	return c
}

func (v *version) logGroup() string {
	if v.LogGroup != "" {
		return v.LogGroup
	}
	return "/aws/lambda/" + v.Name
}

func (s *Service) updateFunctionConfiguration(ctx context.Context, in *lam.UpdateFunctionConfigurationInput) (*lam.FunctionConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.Layers) > 0:
		return nil, errUnsupported("Layers are")
	case len(in.FileSystemConfigs) > 0:
		return nil, errUnsupported("FileSystemConfigs are")
	case in.CapacityProviderConfig != nil, in.DurableConfig != nil:
		return nil, errUnsupported("CapacityProviderConfig and DurableConfig are")
	}
	if err := checkLimits(in.Timeout, in.MemorySize); err != nil {
		return nil, err
	}
	v, err := s.change(ctx, r, in.RevisionId, false, func(_ storage.Tx, v *version) error {
		for _, f := range []struct {
			field *string
			value string
		}{{&v.Role, in.Role}, {&v.Handler, in.Handler}, {&v.Runtime, string(in.Runtime)}, {&v.KMSKey, in.KMSKeyArn}} {
			if f.value != "" {
				*f.field = f.value
			}
		}
		v.Description = or(in.Description, v.Description)
		v.Timeout, v.MemorySize = or(in.Timeout, v.Timeout), or(in.MemorySize, v.MemorySize)
		return v.configure(shared{in.Environment, in.DeadLetterConfig, in.EphemeralStorage, in.ImageConfig, in.LoggingConfig, in.TracingConfig, in.SnapStart, in.VpcConfig})
	})
	if err != nil {
		return nil, err
	}
	return v.beingUpdated(r.at("")), nil
}

// change changes $LATEST, which gets another revision and build whatever the
// change, publishes it where that is asked for, and lets go of the sandboxes of
// what it was. It returns the version that was published, and otherwise $LATEST.
func (s *Service) change(ctx context.Context, r reference, revision string, publish bool, edit func(storage.Tx, *version) error) (*version, error) {
	r = r.at("")
	now := api.CallFrom(ctx).Time
	next, build, published := s.env.IDs.UUID(), s.env.IDs.UUID(), s.env.IDs.UUID()
	var v *version
	err := s.env.DB.Update(func(tx storage.Tx) error {
		old, err := s.latest(tx, r, revision)
		if err != nil {
			return err
		}
		changed := *old
		if err := edit(tx, &changed); err != nil {
			return err
		}
		changed.Revision, changed.Build, changed.LastModified = next, build, now
		changed.Content = changed.content()
		if err := storage.PutRecord(tx, versionKey(r.owner, r.name, latest), &changed); err != nil {
			return err
		}
		v = &changed
		if publish {
			v, _, err = s.publish(tx, r, &changed, "", published)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	arn := r.arn()
	s.fleet.retire(func(k sandbox.Key) bool {
		return k.Function == arn && k.Version == latest && !strings.HasPrefix(k.Revision, build)
	})
	return v, nil
}

// latest reads $LATEST, of the given revision where one is given. The record is shared.
func (s *Service) latest(tx storage.Tx, r reference, revision string) (*version, error) {
	v, err := s.find(tx, r.at(""))
	if err == nil && revision != "" && revision != v.Revision {
		err = errRevision("GetFunction/GetAlias")
	}
	return v, err
}
