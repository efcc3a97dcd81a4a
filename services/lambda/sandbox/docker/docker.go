// Package docker starts sandboxes as containers, on any engine that speaks
// Docker's API: local, remote, rootless, Docker Desktop, or one whose socket was mounted into
// the server's own container. The server attaches to the container's standard input
// and output and needs nothing else of it: no published port, no network, no shared
// file system.
//
// What a function's container is made of: its image, the init with the runtime
// clients below /var/virga, the code at /var/task and the layers at /opt, all
// read-only. Where the engine sees the server's files they are bind mounts; else
// they are volumes, filled once per version.
//
// Of the configuration, the size of /tmp and the architecture have no effect: what an
// image offers is run as the engine runs it.
package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"

	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/services/lambda/sandbox/clients"
	"github.com/virga-cloud/virga/services/lambda/sandbox/tube"
)

// Options are what the launcher is given.
type Options struct {
	// Init is the command of the init: a static program for the engine's system,
	// at a path on this machine, and the arguments that have it hand what follows to tube.Main.
	Init []string
	// Dir is a directory of the launcher's own. It is made when it is needed.
	Dir string
	// Owner tells this server's containers from those of others on the same engine;
	// it is the same when the server starts again on the same data.
	Owner string
	// Images says which images have the runtimes; see ParseImages.
	Images Images
	// Network is the containers' network ("": the engine's default, or none if the engine has no network).
	Network string
	// Flags are further settings; see ParseFlags.
	Flags Flags
	// Keep leaves containers that have ended on the engine, for the curious, until the next Sweep.
	Keep bool
	// Log is told of images that are pulled.
	Log *slog.Logger
}

// Launcher starts containers.
type Launcher struct {
	o Options

	mu sync.Mutex
	// api is the connection to the engine, made when it is needed first.
	api *client.Client
	// network is the network that containers get.
	network string
	// byName are the images that have been looked at.
	byName map[string]image
	// place puts files where containers see them; see placement.
	place placement
}

var _ sandbox.Launcher = (*Launcher)(nil)

// The labels of containers and volumes.
const (
	labelOwner    = "cloud.virga.owner"
	labelFunction = "cloud.virga.function"
	labelVersion  = "cloud.virga.version"
)

// The places inside containers.
const (
	toolsAt = "/var/virga"
	taskAt  = "/var/task"
	optAt   = "/opt"
)

// New is a launcher. It does not speak to the engine yet.
func New(o Options) *Launcher {
	return &Launcher{o: o, byName: map[string]image{}}
}

// Name is "docker".
func (l *Launcher) Name() string { return "docker" }

// engine is the connection to the engine that the environment names, as the docker
// command finds it.
func (l *Launcher) engine(ctx context.Context) (*client.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.api != nil {
		return l.api, nil
	}
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, err
	}
	if _, err := api.Ping(ctx); err != nil {
		api.Close()
		return nil, fmt.Errorf("no container engine answers at %s: %w; start one, or set DOCKER_HOST", api.DaemonHost(), err)
	}
	network, err := chooseNetwork(ctx, api, l.o)
	if err != nil {
		api.Close()
		return nil, err
	}
	l.api, l.network = api, network
	return api, nil
}

// Available asks the engine whether it is there.
func (l *Launcher) Available(ctx context.Context) error {
	api, err := l.engine(ctx)
	if err != nil {
		return err
	}
	_, err = api.Ping(ctx)
	return err
}

// Close closes the connection to the engine, and removes the launcher's files.
func (l *Launcher) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.api == nil {
		return nil
	}
	api := l.api
	l.api = nil
	l.removeVolumes(context.Background(), api, filters.NewArgs(filters.Arg("label", labelOwner+"="+l.o.Owner)))
	return errors.Join(l.place.close(), api.Close())
}

// Sweep removes the containers and volumes that an earlier server of the same owner left.
func (l *Launcher) Sweep(ctx context.Context) error {
	api, err := l.engine(ctx)
	if err != nil {
		return nil // what is not reachable has nothing to be swept from
	}
	own := filters.NewArgs(filters.Arg("label", labelOwner+"="+l.o.Owner))
	left, err := api.ContainerList(ctx, container.ListOptions{All: true, Filters: own})
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range left {
		errs = append(errs, remove(ctx, api, c.ID))
	}
	if len(left) > 0 {
		l.o.Log.Info("removed the containers that an earlier server left", "containers", len(left))
	}
	l.removeVolumes(ctx, api, own)
	return errors.Join(errs...)
}

// Forget removes the volumes of a version.
func (l *Launcher) Forget(key sandbox.Key) {
	ctx := context.Background()
	api, err := l.engine(ctx)
	if err != nil {
		return
	}
	for _, name := range l.place.forget(key) {
		l.removeVolume(ctx, api, name)
	}
}

func (l *Launcher) removeVolumes(ctx context.Context, api *client.Client, which filters.Args) {
	found, err := api.VolumeList(ctx, volume.ListOptions{Filters: which})
	if err != nil {
		l.o.Log.Warn("cannot list volumes", "error", err)
		return
	}
	for _, v := range found.Volumes {
		l.removeVolume(ctx, api, v.Name)
	}
}

func (l *Launcher) removeVolume(ctx context.Context, api *client.Client, name string) {
	if err := api.VolumeRemove(ctx, name, true); err != nil && !errdefs.IsNotFound(err) {
		l.o.Log.Warn("cannot remove a volume", "volume", name, "error", err)
	}
}

// Place pulls the image.
func (l *Launcher) Place(ctx context.Context, spec *sandbox.Spec) error {
	api, err := l.engine(ctx)
	if err != nil {
		return err
	}
	_, err = l.image(ctx, api, spec)
	return err
}

// Start creates a container, attaches to it and starts it.
func (l *Launcher) Start(ctx context.Context, spec *sandbox.Spec, logStream string) (sandbox.Process, error) {
	api, err := l.engine(ctx)
	if err != nil {
		return nil, err
	}
	img, err := l.image(ctx, api, spec)
	if err != nil {
		return nil, err
	}
	config, host, err := l.configure(spec, logStream, img)
	if err != nil {
		return nil, err
	}
	// Of the log stream's name, the end is random.
	name := "virga-" + unnamable.ReplaceAllString(spec.FunctionName, "-") + "-" + logStream[max(0, len(logStream)-12):]
	id, err := l.create(ctx, api, spec, config, host, name)
	if err != nil {
		return nil, err
	}
	p, err := attach(ctx, api, id, l.o.Keep)
	if err == nil {
		err = api.ContainerStart(ctx, id, container.StartOptions{})
		if err != nil {
			p.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(err, remove(context.WithoutCancel(ctx), api, id))
	}
	return p, nil
}

// configure is the container of a sandbox, without what place mounts.
func (l *Launcher) configure(spec *sandbox.Spec, logStream string, img image) (*container.Config, *container.HostConfig, error) {
	a := tube.Arguments{Runtime: "127.0.0.1:9001", AWS: "127.0.0.1:4566", Extensions: optAt + "/extensions"}
	if host := container.NetworkMode(l.network); host.IsHost() || host.IsContainer() {
		a.Runtime, a.AWS = "127.0.0.1:0", "127.0.0.1:0" // shared with others
	}
	at := sandbox.Places{Task: taskAt, Opt: optAt}
	dir := taskAt
	var env []string
	switch {
	case spec.Image != "":
		a.Program = append(slices.Clone(or(spec.Entrypoint, img.entrypoint)), or(spec.Command, img.command)...)
		if dir = spec.WorkDir; dir == "" {
			dir = img.workDir
		}
		at.Task = img.environment["LAMBDA_TASK_ROOT"]
		if len(a.Program) == 0 {
			return nil, nil, fmt.Errorf("image %s has no entry point and no command", img.name)
		}
	case img.lambda && !strings.HasPrefix(spec.Runtime, "provided"):
		a.Program = append(slices.Clone(img.entrypoint), spec.Handler)
	default:
		client, err := clients.For(spec.Runtime)
		if err != nil {
			return nil, nil, err
		}
		if client.File == "" {
			a.Program, a.Else = []string{taskAt + "/" + clients.Bootstrap}, []string{optAt + "/" + clients.Bootstrap}
		} else {
			file := toolsAt + "/clients/" + client.File
			at.Client = file[:strings.LastIndexByte(file, '/')]
			a.Program, a.Else = []string{client.Interpreters[0], file}, client.Interpreters[1:]
		}
		if !img.lambda {
			path := img.environment["PATH"]
			if path == "" {
				path = "/usr/local/bin:/usr/bin:/bin"
			}
			env = spec.SearchPaths(at, path)
		}
	}
	env = append(append(spec.Variables(logStream, at), env...), l.o.Flags.environment...)

	labels := maps.Clone(l.o.Flags.labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelOwner], labels[labelFunction], labels[labelVersion] = l.o.Owner, spec.Key.Function, spec.Key.Version
	config := &container.Config{
		Image:        img.name,
		Entrypoint:   append([]string{toolsAt + "/init"}, l.o.Init[1:]...),
		Cmd:          a.Command(),
		Env:          env,
		WorkingDir:   dir,
		Labels:       labels,
		User:         l.o.Flags.user,
		AttachStdin:  true,
		AttachStdout: true,
		AttachStderr: true,
		OpenStdin:    true,
		StdinOnce:    true, // with the server's connection goes the init's input, and so the sandbox
	}
	host := &container.HostConfig{
		AutoRemove:  !l.o.Keep,
		NetworkMode: container.NetworkMode(l.network),
		// What the function writes goes over the attachment: the engine need not keep it as well.
		LogConfig:  container.LogConfig{Type: "none"},
		Binds:      l.o.Flags.volumes,
		ExtraHosts: l.o.Flags.hosts,
		DNS:        l.o.Flags.dns,
		Privileged: l.o.Flags.privileged,
	}
	host.Memory = int64(spec.MemoryMB) << 20
	host.MemorySwap = host.Memory
	config.ExposedPorts, host.PortBindings = l.o.Flags.exposed, l.o.Flags.published
	return config, host, nil
}

func or(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}

var unnamable = regexp.MustCompile(`[^a-zA-Z0-9_.-]+`)

// remove removes a container, running or not.
func remove(ctx context.Context, api *client.Client, id string) error {
	err := api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) { // it is gone, or going
		return nil
	}
	return err
}
