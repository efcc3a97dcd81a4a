package lambda

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/sts"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/services/lambda/sandbox/docker"
	"github.com/virga-cloud/virga/services/lambda/sandbox/process"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// fleet starts the sandboxes' fleet with the first invocation: until then
// neither an engine nor an interpreter is looked for.
type fleet struct {
	service   *Service
	launchers []sandbox.Launcher

	mu     sync.Mutex
	fleet  *sandbox.Fleet
	closed bool
	// started wakes run.
	started chan struct{}
}

// get is the fleet. The launcher is chosen once it is needed, and kept.
func (f *fleet) get(ctx context.Context) (*sandbox.Fleet, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, sandbox.ErrClosed
	case f.fleet != nil:
		return f.fleet, nil
	}
	launcher, err := sandbox.Pick(ctx, f.launchers...)
	if err != nil {
		return nil, err
	}
	env := f.service.env
	if err := launcher.Sweep(ctx); err != nil {
		env.Log.Warn("cannot remove what an earlier server left", "launcher", launcher.Name(), "error", err)
	}
	f.fleet = sandbox.New(sandbox.Options{
		Launcher: launcher, Clock: env.Clock, IDs: env.IDs, Log: env.Log, Sink: logSink{env.Log},
		ServeAWS: env.ServeAWS, Prepare: f.service.prepare,
		KeepAlive:    time.Duration(env.Config.Lambda.KeepAliveMS) * time.Millisecond,
		StartTimeout: time.Duration(env.Config.Lambda.InitTimeoutS) * time.Second,
	})
	close(f.started)
	return f.fleet, nil
}

// invoke runs one invocation of a version.
func (f *fleet) invoke(ctx context.Context, r reference, v *version, in *sandbox.Invocation) (*sandbox.Result, error) {
	running, err := f.get(ctx)
	if err != nil {
		return nil, errNoSandbox(err)
	}
	in.FunctionARN = r.qualified()
	result, err := running.Invoke(ctx, f.service.spec(r, v), in)
	if err != nil {
		return nil, errNoSandbox(err)
	}
	return result, nil
}

// retire lets go of sandboxes, when there are any.
func (f *fleet) retire(match func(sandbox.Key) bool) {
	f.mu.Lock()
	running := f.fleet
	f.mu.Unlock()
	if running != nil {
		running.Retire(match)
	}
}

// run ends idle sandboxes until the context ends, and then all of them.
func (f *fleet) run(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-f.started:
		// The error is the context's.
		_ = f.fleet.Run(ctx)
	}
	f.mu.Lock()
	f.closed = true
	running := f.fleet
	f.mu.Unlock()
	if running != nil {
		running.Close()
	}
	var err error
	for _, l := range f.launchers {
		err = errors.Join(err, l.Close())
	}
	return err
}

// spec says how the sandboxes of a version are made. What is dear to make is
// left to prepare.
func (s *Service) spec(r reference, v *version) *sandbox.Spec {
	return &sandbox.Spec{
		Key:          sandbox.Key{Function: r.arn(), Version: v.Version, Revision: v.Revision},
		FunctionName: v.Name, Account: r.account, Region: r.region,
		Runtime: v.Runtime, Handler: v.Handler, Architecture: v.Architecture, Environment: v.Environment,
		MemoryMB: int(v.MemorySize), EphemeralStorageMB: int(v.Storage), Timeout: time.Duration(v.Timeout) * time.Second,
		LogGroup: v.logGroup(), Image: v.Image, Entrypoint: v.Entrypoint, Command: v.Command, WorkDir: v.WorkDir,
	}
}

// credentialLifetime is how long the credentials of a sandbox are good for.
const credentialLifetime = 12 * time.Hour

// prepare completes the spec of a sandbox that is about to start: its code is
// unpacked, and its role's credentials are issued.
func (s *Service) prepare(ctx context.Context, spec *sandbox.Spec) error {
	o := owner{spec.Account, spec.Region}
	var v *version
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		v, err = s.records.Get(tx, versionKey(o, spec.FunctionName, spec.Key.Version))
		return err
	})
	if err != nil {
		return err
	}
	if spec.Image == "" {
		if spec.CodeDir, err = s.place(v); err != nil {
			return err
		}
	}
	call := &api.Call{
		Account: o.account, Region: o.region, RequestID: s.env.IDs.UUID(), Time: s.env.Clock.Now(), Operation: sts.AssumeRole.Spec(),
		Principal: api.ServicePrincipal("lambda.amazonaws.com", spec.Key.Function, o.account),
	}
	out, err := s.roles.AssumeRole(api.WithCall(ctx, call), &sts.AssumeRoleInput{
		RoleArn: v.Role, RoleSessionName: spec.FunctionName, DurationSeconds: new(int32(credentialLifetime / time.Second)),
	})
	if err != nil {
		return err
	}
	c := out.Credentials
	spec.Credentials = sandbox.Credentials{AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	return nil
}

// launchers are those that the configuration allows, the preferred first.
func launchers(env service.Env) ([]sandbox.Launcher, error) {
	c := env.Config
	images, err := docker.ParseImages(c.Lambda.RuntimeImageMapping)
	if err != nil {
		return nil, err
	}
	flags, err := docker.ParseFlags(c.Lambda.DockerFlags)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(c.CacheDir, "sandboxes")
	owner := c.DataDir
	if owner == "" {
		owner = c.CacheDir
	}
	containers := docker.New(docker.Options{
		Init: c.SandboxInit, Dir: filepath.Join(dir, "docker"), Owner: owner, Images: images,
		Network: c.Lambda.DockerNetwork, Flags: flags, Keep: !c.Lambda.RemoveContainers, Log: env.Log,
	})
	processes := process.New(process.Options{Init: c.SandboxInit, Dir: filepath.Join(dir, "process"), Log: env.Log})
	switch c.LambdaExecutor {
	case "docker":
		return []sandbox.Launcher{containers}, nil
	case "process":
		return []sandbox.Launcher{processes}, nil
	}
	return []sandbox.Launcher{containers, processes}, nil
}
