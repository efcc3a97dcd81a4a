// Package lambda is AWS Lambda's control plane: functions, versions, aliases
// and permissions, synchronous and asynchronous invocation. Functions run in
// the sandboxes of package sandbox.
//
// # Vocabulary
//
// A function has versions: $LATEST, which can be changed, and numbered ones,
// which cannot. A qualifier is a version or an alias. A version's revision
// changes with its code and configuration, and sandboxes of older revisions are retired.
//
// # Powers and limits
//
// A service that calls a function for a user (s3.amazonaws.com) needs a
// statement in the function's resource policy, as on AWS. Policies of callers
// with credentials are the server's concern. Function output goes to the
// server's log at debug level, and into LogResult where it is asked for.
package lambda

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/api/sts"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Objects reads deployment packages from S3.
type Objects interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error)
}

// Roles issues the credentials that functions run with.
type Roles interface {
	AssumeRole(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error)
}

// Service is Lambda.
type Service struct {
	env     service.Env
	objects Objects
	roles   Roles
	records *storage.Cache[version]
	code    *placement
	fleet   *fleet
}

// New is the service. Sandboxes are started with the first invocation; the
// error is of what the configuration says about them.
func New(env service.Env, objects Objects, roles Roles) (*Service, error) {
	launchers, err := launchers(env)
	if err != nil {
		return nil, err
	}
	s := &Service{
		env: env, objects: objects, roles: roles, records: storage.NewCache[version](1024),
		code: newPlacement(filepath.Join(env.Config.CacheDir, "code"), env.Clock),
	}
	s.fleet = &fleet{open: s.openFleet, started: make(chan struct{}), launchers: launchers}
	return s, nil
}

// Model implements service.Service.
func (s *Service) Model() *api.Model { return &lam.Model }

// Operations implements service.Service.
func (s *Service) Operations() []api.Handler {
	return []api.Handler{
		lam.CreateFunction.Handle(s.createFunction).WithoutEffect("KMSKeyArn", "TracingConfig", "SnapStart", "VpcConfig", "LoggingConfig"),
		lam.DeleteFunction.Handle(s.deleteFunction),
		lam.GetFunction.Handle(s.getFunction),
		lam.GetFunctionCodeSigningConfig.Handle(s.getFunctionCodeSigningConfig),
		lam.GetFunctionConfiguration.Handle(s.getFunctionConfiguration),
		lam.ListFunctions.Handle(s.listFunctions).WithoutEffect("MasterRegion"),
		lam.UpdateFunctionCode.Handle(s.updateFunctionCode).WithoutEffect("SourceKMSKeyArn", "S3ObjectStorageMode"),
		lam.UpdateFunctionConfiguration.Handle(s.updateFunctionConfiguration).WithoutEffect("KMSKeyArn", "TracingConfig", "SnapStart", "VpcConfig", "LoggingConfig"),

		lam.PublishVersion.Handle(s.publishVersion),
		lam.ListVersionsByFunction.Handle(s.listVersionsByFunction),
		lam.CreateAlias.Handle(s.createAlias),
		lam.DeleteAlias.Handle(s.deleteAlias),
		lam.GetAlias.Handle(s.getAlias),
		lam.ListAliases.Handle(s.listAliases),
		lam.UpdateAlias.Handle(s.updateAlias),

		lam.AddPermission.Handle(s.addPermission),
		lam.GetPolicy.Handle(s.getPolicy),
		lam.RemovePermission.Handle(s.removePermission),

		lam.Invoke.Handle(s.Invoke).WithoutEffect("TenantId"),
		lam.DeleteFunctionEventInvokeConfig.Handle(s.deleteFunctionEventInvokeConfig),
		lam.GetFunctionEventInvokeConfig.Handle(s.getFunctionEventInvokeConfig),
		lam.ListFunctionEventInvokeConfigs.Handle(s.listFunctionEventInvokeConfigs),
		lam.PutFunctionEventInvokeConfig.Handle(s.putFunctionEventInvokeConfig),
		lam.UpdateFunctionEventInvokeConfig.Handle(s.updateFunctionEventInvokeConfig),

		lam.ListTags.Handle(s.listTags),
		lam.TagResource.Handle(s.tagResource),
		lam.UntagResource.Handle(s.untagResource),
	}
}

// Run implements service.Runner: it ends idle sandboxes, and all of them at the end.
func (s *Service) Run(ctx context.Context) error { return s.fleet.run(ctx) }

// Reset implements service.Resetter: all sandboxes end.
func (s *Service) Reset(context.Context) error {
	s.fleet.retire(func(sandbox.Key) bool { return true })
	return nil
}

// logSink writes functions' output to the server's log.
type logSink struct{ log *slog.Logger }

// WriteLog implements sandbox.LogSink.
func (l logSink) WriteLog(line sandbox.LogLine) {
	l.log.Debug(line.Text, "function", line.Spec.FunctionName, "stream", line.Stream, "request", line.RequestID)
}
