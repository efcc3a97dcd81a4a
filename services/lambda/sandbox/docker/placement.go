package docker

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/services/lambda/sandbox/clients"
)

// placement is how files get into containers: the init and the runtime
// clients (the tools), and the code and layers of versions.
//
// At first it assumes that the engine sees the server's files, and mounts them. The
// directory of the tools has a random name, so that an engine that sees other files
// under the same paths (the server runs in a container itself, the engine on another
// machine) cannot have it: it says so, and from then on everything goes into
// volumes, each filled once.
type placement struct {
	mu    sync.Mutex
	tools string // the directory of the tools
	// copies says that the engine does not see the server's files.
	copies bool
	// volumes are those that have been filled.
	volumes map[string]bool
	// byKey are the volumes of a version.
	byKey map[sandbox.Key][]string
}

// source is a directory of this machine and where it is in the container.
type source struct {
	dir, at string
	// key is the version whose directory it is; it is empty for the tools.
	key sandbox.Key
}

// create creates a container with its files in place.
func (l *Launcher) create(ctx context.Context, api *client.Client, spec *sandbox.Spec, config *container.Config, host *container.HostConfig, name string) (string, error) {
	tools, err := l.tools()
	if err != nil {
		return "", err
	}
	sources := []source{{dir: tools, at: toolsAt}}
	if spec.CodeDir != "" {
		sources = append(sources, source{spec.CodeDir, taskAt, spec.Key})
	}
	if spec.LayerDir != "" {
		sources = append(sources, source{spec.LayerDir, optAt, spec.Key})
	}
	l.place.mu.Lock()
	copies := l.place.copies
	l.place.mu.Unlock()
	if !copies {
		host.Mounts = nil
		for _, s := range sources {
			host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeBind, Source: s.dir, Target: s.at, ReadOnly: true})
		}
		made, err := api.ContainerCreate(ctx, config, host, nil, l.platform(), name)
		if err == nil || !strings.Contains(err.Error(), "bind source path does not exist") {
			return made.ID, err
		}
		l.o.Log.Info("the container engine does not see this server's files: they are copied", "engine", api.DaemonHost())
		l.place.mu.Lock()
		l.place.copies = true
		l.place.mu.Unlock()
	}

	host.Mounts = nil
	for _, s := range sources {
		v, err := l.volume(ctx, api, config.Image, s)
		if err != nil {
			return "", fmt.Errorf("copying files to the container engine: %w", err)
		}
		host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeVolume, Source: v, Target: s.at, ReadOnly: true, VolumeOptions: &mount.VolumeOptions{NoCopy: true}})
	}
	made, err := api.ContainerCreate(ctx, config, host, nil, l.platform(), name)
	return made.ID, err
}

func (l *Launcher) platform() *ocispec.Platform {
	os, arch, ok := strings.Cut(l.o.Flags.platform, "/")
	if !ok {
		return nil
	}
	arch, variant, _ := strings.Cut(arch, "/")
	return &ocispec.Platform{OS: os, Architecture: arch, Variant: variant}
}

// tools is the directory of the init and the runtime clients. It is made once.
func (l *Launcher) tools() (string, error) {
	l.place.mu.Lock()
	defer l.place.mu.Unlock()
	if l.place.tools != "" {
		return l.place.tools, nil
	}
	own, err := filepath.Abs(l.o.Dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(own, 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(own, "tools-")
	if err != nil {
		return "", err
	}
	err = os.Chmod(dir, 0o755) // for functions that are not root
	if err == nil {
		err = link(l.o.Init[0], filepath.Join(dir, "init"))
	}
	if err == nil {
		err = clients.Place(filepath.Join(dir, "clients"))
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	l.place.tools = dir
	return dir, nil
}

// link makes dst the program at src, as a hard link where that can be.
func link(src, dst string) error {
	src, err := filepath.EvalSymlinks(src)
	if err != nil {
		return err
	}
	if os.Link(src, dst) == nil {
		return nil
	}
	from, err := os.Open(src)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// volume is a volume that holds what a directory holds. It is filled at its first use.
func (l *Launcher) volume(ctx context.Context, api *client.Client, image string, s source) (string, error) {
	sum := sha256.Sum256([]byte(s.dir + "\x00" + s.key.Revision))
	name := "virga-" + hex.EncodeToString(sum[:12])
	// One at a time: two first starts of a version must not both fill its volume.
	l.place.mu.Lock()
	defer l.place.mu.Unlock()
	if l.place.volumes[name] {
		return name, nil
	}
	labels := map[string]string{labelOwner: l.o.Owner}
	if _, err := api.VolumeCreate(ctx, volume.CreateOptions{Name: name, Labels: labels}); err != nil {
		return "", err
	}
	// A container that never runs is the way into a volume.
	made, err := api.ContainerCreate(ctx,
		&container.Config{Image: image, Entrypoint: []string{"none"}, Labels: labels},
		&container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: name, Target: s.at, VolumeOptions: &mount.VolumeOptions{NoCopy: true}}}},
		nil, l.platform(), "")
	if err != nil {
		return "", err
	}
	defer remove(context.WithoutCancel(ctx), api, made.ID)
	r, w := io.Pipe()
	go func() { w.CloseWithError(pack(w, s.dir)) }()
	err = api.CopyToContainer(ctx, made.ID, s.at, r, container.CopyToContainerOptions{})
	r.Close()
	if err != nil {
		return "", err
	}
	if l.place.volumes == nil {
		l.place.volumes, l.place.byKey = map[string]bool{}, map[sandbox.Key][]string{}
	}
	l.place.volumes[name] = true
	if s.key != (sandbox.Key{}) {
		l.place.byKey[s.key] = append(l.place.byKey[s.key], name)
	}
	return name, nil
}

// pack writes the files of a directory as a tar archive.
func pack(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		target := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if target, err = os.Readlink(path); err != nil {
				return err
			}
		}
		h, err := tar.FileInfoHeader(info, target)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		h.Name = filepath.ToSlash(rel)
		h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", ""
		if err := t.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(t, f)
		return err
	})
	if err != nil {
		return err
	}
	return t.Close()
}

// forget gives the volumes of a version that is no longer wanted.
func (p *placement) forget(key sandbox.Key) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := p.byKey[key]
	delete(p.byKey, key)
	for _, name := range names {
		delete(p.volumes, name)
	}
	return names
}

// close removes the tools.
func (p *placement) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tools == "" {
		return nil
	}
	dir := p.tools
	p.tools = ""
	return os.RemoveAll(dir)
}
