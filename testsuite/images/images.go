// Package images names the container images that functions run in under test.
// They are built on the machine by build.sh from Debian's packages, so that no
// test needs an image registry; the script says what each of them holds.
//
// A test asks for what it uses with Need, which skips where the image or an
// engine is missing and says how to get it. Under CI a missing image is a
// failure: there the set-up must have built it.
package images

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"
)

// The images, by what they hold. None has an entry point or any part of Lambda.
const (
	// Python is Debian with python3.11, boto3 and Pillow.
	Python = "virga-test/python:3.11"
	// Node is Debian with node 20.
	Node = "virga-test/nodejs:20"
	// Provided is Debian with a shell and curl.
	Provided = "virga-test/provided:al2023"
	// Scratch holds not one file: only static programs run in it.
	Scratch = "virga-test/provided:scratch"
)

// Mapping is the value for LAMBDA_RUNTIME_IMAGE_MAPPING that gives every runtime
// under test its image: a JSON object of images by runtime.
func Mapping() string {
	mapping, err := json.Marshal(map[string]string{
		"python3.11":      Python,
		"nodejs20.x":      Node,
		"provided.al2023": Provided,
	})
	if err != nil {
		panic(err) // strings always encode
	}
	return string(mapping)
}

// Need lets the test go on when the engine has all of the named images. The
// docker command asks, as it would for the user, so that the engine may be any
// that the user's context or DOCKER_HOST names.
func Need(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		answer, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", name).CombinedOutput()
		if err == nil {
			continue
		}
		if said := bytes.TrimSpace(answer); len(said) > 0 {
			err = errors.New(string(said))
		}
		const format = "image %s is missing; build it with testsuite/setup/run.sh (%v)"
		if os.Getenv("CI") != "" {
			t.Fatalf(format, name, err)
		}
		t.Skipf(format, name, err)
	}
}
