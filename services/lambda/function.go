package lambda

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/storage"
)

// function is the record of what all versions share.
type function struct {
	// LastVersion is the highest number that was published.
	LastVersion int
	Tags        map[string]string
	// Policies are the resource policies by qualifier; "" is the function's own.
	Policies map[string]*policy
}

// version is the record of one version: its configuration and its code.
type version struct {
	Name, Version                string
	Runtime, Role, Handler       string
	Description                  string
	Timeout, MemorySize, Storage int32
	Environment                  map[string]string
	Architecture                 string
	DeadLetter                   string
	PackageType                  string
	Image                        string
	Entrypoint, Command          []string
	WorkDir                      string
	LastModified                 time.Time
	Revision                     string
	Code                         storage.Blob
	CodeSize                     int64
	CodeSHA256                   string
	LogFormat, LogGroup          string
	KMSKey, Tracing, SnapStart   string
	Subnets, SecurityGroups      []string
}

// defaults of CreateFunction.
const (
	defaultTimeout = 3
	defaultMemory  = 128
	defaultStorage = 512
)

func (s *Service) createFunction(ctx context.Context, in *lam.CreateFunctionInput) (*lam.FunctionConfiguration, error) {
	call := api.CallFrom(ctx)
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if err := checkNew(in); err != nil {
		return nil, err
	}
	v := &version{
		Name: r.name, Version: latest, Runtime: string(in.Runtime), Role: in.Role, Handler: in.Handler,
		Description: in.Description, Timeout: or(in.Timeout, defaultTimeout), MemorySize: or(in.MemorySize, defaultMemory),
		Storage: defaultStorage, Architecture: string(lam.ArchitectureX86_64), PackageType: string(lam.PackageTypeZip),
		LastModified: call.Time, Revision: s.env.IDs.UUID(), KMSKey: in.KMSKeyArn,
	}
	if in.PackageType != "" {
		v.PackageType = string(in.PackageType)
	}
	if len(in.Architectures) > 0 {
		v.Architecture = string(in.Architectures[0])
	}
	if err := v.configure(in.Environment, in.DeadLetterConfig, in.EphemeralStorage, in.ImageConfig, in.LoggingConfig, in.TracingConfig, in.SnapStart, in.VpcConfig); err != nil {
		return nil, err
	}
	code, err := s.receive(ctx, v.PackageType, in.Code)
	if err != nil {
		return nil, err
	}
	v.setCode(code)
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := tx.Get(functionKey(r.owner, r.name)); !errors.Is(err, storage.ErrNotFound) {
			return either(err, errFunctionExists(r.name))
		}
		f := &function{Tags: in.Tags}
		w := *v
		if err := s.putVersion(tx, r.owner, &w, true); err != nil {
			return err
		}
		if in.Publish != nil && *in.Publish {
			if _, err := s.publish(tx, r, f, &w, ""); err != nil {
				return err
			}
			v.Version = "1"
		}
		return storage.PutRecord(tx, functionKey(r.owner, r.name), f)
	})
	if err != nil {
		s.env.Blobs.Discard(code.blob)
		return nil, err
	}
	out := v.describe(r)
	// The function can be invoked at once; AWS still answers that it is being made.
	out.State, out.StateReason, out.StateReasonCode = lam.StatePending, "The function is being created.", lam.StateReasonCodeCreating
	out.LastUpdateStatus = lam.LastUpdateStatusSuccessful
	return out, nil
}

// checkNew makes the checks of a new function that the model cannot express.
func checkNew(in *lam.CreateFunctionInput) error {
	image := in.PackageType == lam.PackageTypeImage
	switch {
	case in.PublishTo != "":
		return errInvalidValue("PublishTo is not supported by Virga.")
	case len(in.Layers) > 0:
		return errInvalidValue("Layers are not supported by Virga yet.")
	case len(in.FileSystemConfigs) > 0:
		return errInvalidValue("FileSystemConfigs are not supported by Virga.")
	case in.TenancyConfig != nil, in.CapacityProviderConfig != nil, in.DurableConfig != nil:
		return errInvalidValue("TenancyConfig, CapacityProviderConfig and DurableConfig are not supported by Virga.")
	case image && (in.Runtime != "" || in.Handler != ""):
		return errInvalidValue("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
	case image && in.Code.ImageUri == "":
		return errInvalidValue("Please provide ImageUri when updating a function with packageType Image.")
	case !image && in.Runtime == "":
		return errInvalidValue("Runtime is mandatory for functions created with deployment packages.")
	case !image && in.Handler == "":
		return errInvalidValue("Handler is mandatory for functions created with deployment packages.")
	case !image && len(in.Code.ZipFile) == 0 && in.Code.S3Bucket == "" && in.Code.S3Key == "":
		return errInvalidValue("Please provide a source for function code.")
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

// maxEnvironment is the size of all variables together, in bytes.
const maxEnvironment = 4096

// configure sets the members that creation and update share; nil leaves one as it is.
func (v *version) configure(env *lam.Environment, dlq *lam.DeadLetterConfig, disk *lam.EphemeralStorage, image *lam.ImageConfig,
	logging *lam.LoggingConfig, tracing *lam.TracingConfig, snap *lam.SnapStart, vpc *lam.VpcConfig) error {
	if env != nil {
		var reserved []string
		size := 0
		for name, value := range env.Variables {
			size += len(name) + len(value)
			if slices.Contains(reservedVariables, name) {
				reserved = append(reserved, name)
			}
		}
		if len(reserved) > 0 {
			slices.Sort(reserved)
			return errInvalidValue("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", join(reserved, ", "))
		}
		if size > maxEnvironment {
			return errInvalidValue("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", quoteVariables(env.Variables))
		}
		v.Environment = env.Variables
	}
	if dlq != nil {
		v.DeadLetter = dlq.TargetArn
	}
	if disk != nil {
		v.Storage = or(disk.Size, defaultStorage)
	}
	if image != nil {
		v.Entrypoint, v.Command, v.WorkDir = image.EntryPoint, image.Command, image.WorkingDirectory
	}
	if logging != nil {
		v.LogFormat, v.LogGroup = string(logging.LogFormat), logging.LogGroup
	}
	if tracing != nil {
		v.Tracing = string(tracing.Mode)
	}
	if snap != nil {
		v.SnapStart = string(snap.ApplyOn)
	}
	if vpc != nil {
		v.Subnets, v.SecurityGroups = vpc.SubnetIds, vpc.SecurityGroupIds
	}
	return nil
}

// describe is the version as the API shows it.
func (v *version) describe(r reference) *lam.FunctionConfiguration {
	arn := r.arn()
	if r.qualifier != "" || v.Version != latest {
		arn += ":" + v.Version
	}
	c := &lam.FunctionConfiguration{
		FunctionName: v.Name, FunctionArn: arn, Runtime: lam.Runtime(v.Runtime), Role: v.Role, Handler: v.Handler,
		CodeSize: new(v.CodeSize), Description: new(v.Description), Timeout: new(v.Timeout), MemorySize: new(v.MemorySize),
		LastModified: v.LastModified.UTC().Format("2006-01-02T15:04:05.000-0700"), CodeSha256: v.CodeSHA256, Version: v.Version,
		RevisionId: v.Revision, KMSKeyArn: v.KMSKey, PackageType: lam.PackageType(v.PackageType),
		Architectures: []lam.Architecture{lam.Architecture(v.Architecture)}, EphemeralStorage: &lam.EphemeralStorage{Size: new(v.Storage)},
		State: lam.StateActive, LastUpdateStatus: lam.LastUpdateStatusSuccessful,
		TracingConfig: &lam.TracingConfigResponse{Mode: lam.TracingModePassThrough},
		SnapStart:     &lam.SnapStartResponse{ApplyOn: lam.SnapStartApplyOnNone, OptimizationStatus: lam.SnapStartOptimizationStatusOff},
		LoggingConfig: &lam.LoggingConfig{LogFormat: lam.LogFormatText, LogGroup: v.logGroup()},
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
	if len(v.Subnets) > 0 {
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

// putVersion stores a version; newCode says that its blob is linked for the first time by it.
func (s *Service) putVersion(tx storage.Tx, o owner, v *version, newCode bool) error {
	if newCode {
		if err := s.env.Blobs.Link(tx, v.Code); err != nil {
			return err
		}
	}
	return storage.PutRecord(tx, versionKey(o, v.Name, v.Version), v)
}

// find is the version that a reference names, itself or through an alias. The
// record is shared and must not be changed.
func (s *Service) find(tx storage.Tx, r reference) (*version, error) {
	v := r.qualifier
	if v == "" {
		v = latest
	}
	if !isVersion(v) {
		a, err := storage.GetRecord[alias](tx, aliasKey(r.owner, r.name, v))
		if errors.Is(err, storage.ErrNotFound) {
			return nil, errFunctionNotFound(r)
		} else if err != nil {
			return nil, err
		}
		v = a.pick(s.env.IDs)
	}
	found, err := s.records.Get(tx, versionKey(r.owner, r.name, v))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errFunctionNotFound(r)
	}
	return found, err
}

// function reads what all versions share.
func (s *Service) function(tx storage.Tx, r reference) (*function, error) {
	f, err := storage.GetRecord[function](tx, functionKey(r.owner, r.name))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errFunctionNotFound(r)
	}
	return f, err
}

func (s *Service) getFunction(ctx context.Context, in *lam.GetFunctionInput) (*lam.GetFunctionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var v *version
	var f *function
	err = s.env.DB.View(func(tx storage.Tx) error {
		if v, err = s.find(tx, r); err != nil {
			return err
		}
		f, err = s.function(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &lam.GetFunctionOutput{Configuration: v.describe(r), Tags: f.Tags}
	if v.PackageType == string(lam.PackageTypeImage) {
		out.Code = &lam.FunctionCodeLocation{RepositoryType: "ECR", ImageUri: v.Image, ResolvedImageUri: v.Image}
	} else {
		call := api.CallFrom(ctx)
		out.Code = &lam.FunctionCodeLocation{RepositoryType: "S3", Location: s.codeLocation(call, r, v)}
	}
	return out, nil
}

func (s *Service) getFunctionConfiguration(ctx context.Context, in *lam.GetFunctionConfigurationInput) (*lam.FunctionConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var v *version
	err = s.env.DB.View(func(tx storage.Tx) error {
		v, err = s.find(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v.describe(r), nil
}

func (s *Service) getFunctionCodeSigningConfig(ctx context.Context, in *lam.GetFunctionCodeSigningConfigInput) (*lam.GetFunctionCodeSigningConfigOutput, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	err = s.env.DB.View(func(tx storage.Tx) error {
		_, err := s.function(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lam.GetFunctionCodeSigningConfigOutput{FunctionName: r.name}, nil
}

// defaultPage is how many functions a page holds where the caller does not say.
const defaultPage = 50

func (s *Service) listFunctions(ctx context.Context, in *lam.ListFunctionsInput) (*lam.ListFunctionsOutput, error) {
	call := api.CallFrom(ctx)
	o := owner{call.Account, call.Region}
	limit := min(int(or(in.MaxItems, defaultPage)), defaultPage)
	out := new(lam.ListFunctionsOutput)
	err := s.env.DB.View(func(tx storage.Tx) error {
		*out = lam.ListFunctionsOutput{Functions: []*lam.FunctionConfiguration{}}
		names := storage.Prefix(functionsKey(o))
		if in.Marker != "" {
			names.Start = functionKey(o, in.Marker)
		}
		names.KeysOnly = true
		for e, err := range tx.Scan(names) {
			if err != nil {
				return err
			}
			name := storage.ReadKey(e.Key[len(functionsKey(o)):]).String()
			r := reference{o, name, ""}
			if len(out.Functions) >= limit {
				out.NextMarker = name
				return nil
			}
			versions := []string{latest}
			if in.FunctionVersion == lam.FunctionVersionAll {
				all, err := s.versions(tx, r)
				if err != nil {
					return err
				}
				for _, v := range all {
					r.qualifier = v.Version
					out.Functions = append(out.Functions, v.describe(r))
				}
				continue
			}
			for _, v := range versions {
				found, err := s.records.Get(tx, versionKey(o, name, v))
				if err != nil {
					return err
				}
				out.Functions = append(out.Functions, found.describe(r))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// versions are all versions of a function, $LATEST first.
func (s *Service) versions(tx storage.Tx, r reference) ([]*version, error) {
	var all []*version
	for item, err := range storage.Records[version](tx, storage.Prefix(versionsKey(r.owner, r.name))) {
		if err != nil {
			return nil, err
		}
		all = append(all, item.Value)
	}
	return all, nil
}

func (s *Service) updateFunctionCode(ctx context.Context, in *lam.UpdateFunctionCodeInput) (*lam.FunctionConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, errInvalidValue("PublishTo is not supported by Virga.")
	}
	packageType := string(lam.PackageTypeZip)
	err = s.env.DB.View(func(tx storage.Tx) error {
		v, err := s.find(tx, reference{r.owner, r.name, ""})
		if err == nil {
			packageType = v.PackageType
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	code, err := s.receive(ctx, packageType, &lam.FunctionCode{
		ZipFile: in.ZipFile, S3Bucket: in.S3Bucket, S3Key: in.S3Key, S3ObjectVersion: in.S3ObjectVersion, ImageUri: in.ImageUri,
	})
	if err != nil {
		return nil, err
	}
	dry := in.DryRun != nil && *in.DryRun
	out, err := s.change(ctx, r, in.RevisionId, func(tx storage.Tx, v *version) (commit bool, err error) {
		old := v.Code
		v.setCode(code)
		if len(in.Architectures) > 0 {
			v.Architecture = string(in.Architectures[0])
		}
		if dry {
			return false, nil
		}
		if err := s.env.Blobs.Link(tx, v.Code); err != nil {
			return false, err
		}
		return true, s.env.Blobs.Unlink(tx, old)
	}, in.Publish)
	if err != nil || dry {
		s.env.Blobs.Discard(code.blob)
	}
	return out, err
}

func (s *Service) updateFunctionConfiguration(ctx context.Context, in *lam.UpdateFunctionConfigurationInput) (*lam.FunctionConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.Layers) > 0:
		return nil, errInvalidValue("Layers are not supported by Virga yet.")
	case len(in.FileSystemConfigs) > 0:
		return nil, errInvalidValue("FileSystemConfigs are not supported by Virga.")
	case in.CapacityProviderConfig != nil, in.DurableConfig != nil:
		return nil, errInvalidValue("CapacityProviderConfig and DurableConfig are not supported by Virga.")
	}
	return s.change(ctx, r, in.RevisionId, func(_ storage.Tx, v *version) (bool, error) {
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
		return true, v.configure(in.Environment, in.DeadLetterConfig, in.EphemeralStorage, in.ImageConfig, in.LoggingConfig, in.TracingConfig, in.SnapStart, in.VpcConfig)
	}, nil)
}

// change changes $LATEST and lets go of the sandboxes of what it was. edit
// says whether the change is to be kept.
func (s *Service) change(ctx context.Context, r reference, revision string, edit func(storage.Tx, *version) (bool, error), publish *bool) (*lam.FunctionConfiguration, error) {
	call := api.CallFrom(ctx)
	r.qualifier = ""
	next := s.env.IDs.UUID()
	var shown *version
	err := s.env.DB.Update(func(tx storage.Tx) error {
		old, err := s.find(tx, r)
		if err != nil {
			return err
		}
		if revision != "" && revision != old.Revision {
			return errRevision()
		}
		v := *old
		keep, err := edit(tx, &v)
		if err != nil {
			return err
		}
		shown = &v
		if !keep {
			return nil
		}
		v.Revision, v.LastModified = next, call.Time
		if err := s.putVersion(tx, r.owner, &v, false); err != nil {
			return err
		}
		if publish != nil && *publish {
			f, err := s.function(tx, r)
			if err != nil {
				return err
			}
			if shown, err = s.publish(tx, r, f, &v, ""); err != nil {
				return err
			}
			return storage.PutRecord(tx, functionKey(r.owner, r.name), f)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	arn := r.arn()
	s.fleet.retire(func(k sandbox.Key) bool {
		return k.Function == arn && k.Version == latest && k.Revision != next
	})
	return shown.describe(r), nil
}

func (s *Service) deleteFunction(ctx context.Context, in *lam.DeleteFunctionInput) (*lam.DeleteFunctionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.qualifier == latest {
		return nil, errInvalidValue("$LATEST version cannot be deleted without deleting the function.")
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		f, err := s.function(tx, reference{r.owner, r.name, ""})
		if err != nil {
			return err
		}
		if r.qualifier != "" {
			v, err := s.find(tx, r)
			if err != nil {
				return err
			}
			delete(f.Policies, r.qualifier)
			return errors.Join(s.env.Blobs.Unlink(tx, v.Code), tx.Delete(versionKey(r.owner, r.name, r.qualifier)),
				storage.PutRecord(tx, functionKey(r.owner, r.name), f))
		}
		all, err := s.versions(tx, r)
		if err != nil {
			return err
		}
		for _, v := range all {
			if err := s.env.Blobs.Unlink(tx, v.Code); err != nil {
				return err
			}
		}
		for _, all := range []storage.Key{versionsKey(r.owner, r.name), aliasesKey(r.owner, r.name), eventInvokesKey(r.owner, r.name)} {
			if err := deleteAll(tx, storage.Prefix(all)); err != nil {
				return err
			}
		}
		return tx.Delete(functionKey(r.owner, r.name))
	})
	if err != nil {
		return nil, err
	}
	arn := r.arn()
	s.fleet.retire(func(k sandbox.Key) bool {
		return k.Function == arn && (r.qualifier == "" || k.Version == r.qualifier)
	})
	return &lam.DeleteFunctionOutput{StatusCode: new(int32(204))}, nil
}

func deleteAll(tx storage.Tx, r storage.Range) error {
	r.KeysOnly = true
	var keys [][]byte
	for e, err := range tx.Scan(r) {
		if err != nil {
			return err
		}
		keys = append(keys, slices.Clone(e.Key))
	}
	for _, k := range keys {
		if err := tx.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// either is err when there is one, and otherwise the second.
func either(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func versionNumber(v string) int {
	n, _ := strconv.Atoi(v)
	return n
}
