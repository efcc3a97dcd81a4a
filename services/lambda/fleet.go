package lambda

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
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

// sandboxes is what a sandbox.Fleet does.
type sandboxes interface {
	Invoke(ctx context.Context, spec *sandbox.Spec, in *sandbox.Invocation) (*sandbox.Result, error)
	Retire(match func(sandbox.Key) bool)
	Run(ctx context.Context) error
	Close()
}

// fleet starts the sandboxes' fleet with the first invocation: until then
// neither an engine nor an interpreter is looked for.
type fleet struct {
	// open starts it.
	open      func(ctx context.Context) (sandboxes, error)
	launchers []sandbox.Launcher

	mu      sync.Mutex
	running sandboxes
	closed  bool
	// started wakes run.
	started chan struct{}
}

// get is the fleet. The launcher is chosen once it is needed, and kept.
func (f *fleet) get(ctx context.Context) (sandboxes, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, sandbox.ErrClosed
	case f.running != nil:
		return f.running, nil
	}
	running, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	f.running = running
	close(f.started)
	return running, nil
}

// openFleet chooses the launcher, and removes what an earlier server left.
func (s *Service) openFleet(ctx context.Context) (sandboxes, error) {
	launcher, err := sandbox.Pick(ctx, s.fleet.launchers...)
	if err != nil {
		return nil, err
	}
	if err := launcher.Sweep(ctx); err != nil {
		s.env.Log.Warn("cannot remove what an earlier server left", "launcher", launcher.Name(), "error", err)
	}
	if err := s.sweepCode(); err != nil {
		s.env.Log.Warn("cannot remove the code of functions that are gone", "error", err)
	}
	config := s.env.Config.Lambda
	return sandbox.New(sandbox.Options{
		Launcher: forgetful{launcher, s.code}, Clock: s.env.Clock, IDs: s.env.IDs, Log: s.env.Log, Sink: logSink{s.env.Log},
		ServeAWS: s.env.ServeAWS, Prepare: s.prepare,
		KeepAlive:    time.Duration(config.KeepAliveMS) * time.Millisecond,
		StartTimeout: time.Duration(config.InitTimeoutS) * time.Second,
	}), nil
}

// forgetful is a launcher that forgets the code it starts too.
type forgetful struct {
	sandbox.Launcher
	code *placement
}

// Forget implements sandbox.Launcher.
func (f forgetful) Forget(key sandbox.Key) {
	f.Launcher.Forget(key)
	f.code.forget(key)
}

// sweepCode removes the unpacked code of versions that are no more.
func (s *Service) sweepCode() error {
	keep := map[string]bool{}
	err := s.env.DB.View(func(tx storage.Tx) error {
		for item, err := range storage.Records[version](tx, storage.Prefix(allVersionsKey())) {
			if err != nil {
				return err
			}
			keep[directory(item.Value.CodeSHA256)] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.code.sweep(keep)
}

// retire lets go of sandboxes, when there are any.
func (f *fleet) retire(match func(sandbox.Key) bool) {
	f.mu.Lock()
	running := f.running
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
		_ = f.running.Run(ctx)
	}
	f.mu.Lock()
	f.closed = true
	running := f.running
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

// errOutdated says that a version was changed while a sandbox was being made for it.
var errOutdated = errors.New("the function was changed meanwhile")

// invoke runs one invocation of a version that r names.
func (s *Service) invoke(ctx context.Context, r reference, v *version, in *sandbox.Invocation) (*sandbox.Result, error) {
	running, err := s.fleet.get(ctx)
	if err != nil {
		return nil, errNoSandbox(err)
	}
	in.FunctionARN = r.qualified()
	for {
		result, err := running.Invoke(ctx, s.spec(r, v), in)
		if err == nil {
			return result, nil
		}
		if !errors.Is(err, errOutdated) {
			return nil, errNoSandbox(err)
		}
		// Nobody has seen the event: it is for what the version is now.
		err = s.env.DB.View(func(tx storage.Tx) error {
			v, err = s.find(tx, r.at(v.Version))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
}

// credentialLifetime is how long the credentials of a sandbox are good for:
// AWS's maximum. Sandboxes are replaced when half of it is over.
const credentialLifetime = 12 * time.Hour

// spec says how the sandboxes of a version are made. What is dear to make is
// left to prepare. They may be shared by invocations of one build for as long
// as their credentials are good.
func (s *Service) spec(r reference, v *version) *sandbox.Spec {
	period := s.env.Clock.Now().Truncate(credentialLifetime / 2).Format("2006-01-02T15")
	return &sandbox.Spec{
		Key:          sandbox.Key{Function: r.arn(), Version: v.Version, Revision: v.Build + "/" + period},
		FunctionName: v.Name, Account: r.account, Region: r.region,
		Runtime: v.Runtime, Handler: v.Handler, Architecture: v.Architecture, Environment: v.Environment,
		MemoryMB: int(v.MemorySize), EphemeralStorageMB: int(v.Storage), Timeout: time.Duration(v.Timeout) * time.Second,
		LogGroup: v.logGroup(), Image: v.Image, Entrypoint: v.Entrypoint, Command: v.Command, WorkDir: v.WorkDir,
	}
}

// prepare completes the spec of a sandbox that is about to start: its code is
// unpacked, and its role's credentials are issued.
func (s *Service) prepare(ctx context.Context, spec *sandbox.Spec) error {
	r := reference{owner{spec.Account, spec.Region}, spec.FunctionName, spec.Key.Version}
	var v *version
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		v, err = s.find(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	if !strings.HasPrefix(spec.Key.Revision, v.Build) {
		return errOutdated
	}
	if spec.Image == "" {
		spec.CodeDir, err = s.code.place(spec.Key, v.CodeSHA256, func() (*zip.Reader, io.Closer, error) { return s.openZip(v.Code) })
		if errors.Is(err, storage.ErrNotFound) { // the package went between the two
			return errOutdated
		} else if err != nil {
			return err
		}
	}
	call := &api.Call{
		Account: r.account, Region: r.region, RequestID: s.env.IDs.UUID(), Time: s.env.Clock.Now(), Operation: sts.AssumeRole.Spec(),
		Principal: api.ServicePrincipal("lambda.amazonaws.com", spec.Key.Function, r.account),
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
	return []sandbox.Launcher{sandbox.FirstOf(env.Log, containers, processes)}, nil
}
