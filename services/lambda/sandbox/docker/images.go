package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/virga-cloud/virga/services/lambda/sandbox"
)

// Images says which image has a runtime.
type Images struct {
	pattern   string
	byRuntime map[string]string
}

// ParseImages reads the value of LAMBDA_RUNTIME_IMAGE_MAPPING: a JSON object of
// images by runtime, or a pattern in which <runtime> stands for the runtime's
// identifier. What it does not name is AWS's image.
func ParseImages(value string) (Images, error) {
	value = strings.TrimSpace(value)
	if !strings.HasPrefix(value, "{") {
		return Images{pattern: value}, nil
	}
	var i Images
	if err := json.Unmarshal([]byte(value), &i.byRuntime); err != nil {
		return i, fmt.Errorf("the mapping of runtimes to images is neither a JSON object of strings nor a pattern: %w", err)
	}
	return i, nil
}

// For is the image of a runtime.
func (i Images) For(runtime string) string {
	if image := i.byRuntime[runtime]; image != "" {
		return image
	}
	if i.pattern != "" {
		return strings.ReplaceAll(i.pattern, "<runtime>", runtime)
	}
	return awsImage(runtime)
}

// awsImage is the name under which AWS publishes a runtime.
// https://gallery.ecr.aws/lambda
func awsImage(runtime string) string {
	const registry = "public.ecr.aws/lambda/"
	switch runtime {
	case "provided":
		return registry + "provided:alami"
	case "java8.al2":
		return registry + "java:8.al2"
	case "dotnetcore3.1":
		return registry + "dotnet:core3.1"
	}
	if rest, ok := strings.CutPrefix(runtime, "provided."); ok {
		return registry + "provided:" + rest
	}
	digit := strings.IndexAny(runtime, "0123456789")
	if digit < 0 {
		return registry + runtime
	}
	return registry + runtime[:digit] + ":" + strings.TrimSuffix(runtime[digit:], ".x")
}

// image is what the launcher knows of an image.
type image struct {
	name                string
	entrypoint, command []string
	environment         map[string]string
	workDir             string
	// lambda says that the image brings a runtime client of its own, as AWS's base images do.
	lambda bool
}

// image looks at the image of a function, and pulls it first if the engine does not have it.
// Images of runtimes are looked at once; those of functions are tagged anew by their users.
func (l *Launcher) image(ctx context.Context, api *client.Client, spec *sandbox.Spec) (image, error) {
	name := spec.Image
	if name == "" {
		name = l.o.Images.For(spec.Runtime)
		l.mu.Lock()
		img, known := l.byName[name]
		l.mu.Unlock()
		if known {
			return img, nil
		}
	}
	found, err := api.ImageInspect(ctx, name)
	if errdefs.IsNotFound(err) {
		if err := l.pull(ctx, api, name); err != nil {
			hint := ""
			if spec.Image == "" {
				hint = "; LAMBDA_RUNTIME_IMAGE_MAPPING names other images"
			}
			return image{}, fmt.Errorf("the engine does not have the image %s, and cannot pull it: %w%s", name, err, hint)
		}
		found, err = api.ImageInspect(ctx, name)
	}
	if err != nil {
		return image{}, err
	}
	img := image{name: name, environment: map[string]string{}}
	if c := found.Config; c != nil {
		img.entrypoint, img.command, img.workDir = c.Entrypoint, c.Cmd, c.WorkingDir
		for _, v := range c.Env {
			key, value, _ := strings.Cut(v, "=")
			img.environment[key] = value
		}
	}
	img.lambda = img.environment["LAMBDA_RUNTIME_DIR"] != "" && len(img.entrypoint) > 0
	if spec.Image == "" {
		l.mu.Lock()
		l.byName[name] = img
		l.mu.Unlock()
	}
	return img, nil
}

// pull has the engine fetch an image, and waits for it.
func (l *Launcher) pull(ctx context.Context, api *client.Client, name string) error {
	l.o.Log.Info("pulling an image", "image", name)
	progress, err := api.ImagePull(ctx, name, dockerimage.PullOptions{Platform: l.o.Flags.platform})
	if err != nil {
		return err
	}
	defer progress.Close()
	messages := json.NewDecoder(progress)
	for {
		var m struct {
			Error string `json:"error"`
		}
		if err := messages.Decode(&m); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if m.Error != "" {
			return errors.New(m.Error)
		}
	}
}

// chooseNetwork is the network that the configuration names, the engine's default, or
// none where the engine has no network that leads anywhere.
func chooseNetwork(ctx context.Context, api *client.Client, o Options) (string, error) {
	if o.Flags.network != "" {
		return o.Flags.network, nil
	}
	if o.Network != "" {
		return o.Network, nil
	}
	networks, err := api.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(networks, func(n network.Summary) bool { return n.Driver != "null" && n.Driver != "host" }) {
		return "", nil
	}
	return string(container.NetworkMode("none")), nil
}
