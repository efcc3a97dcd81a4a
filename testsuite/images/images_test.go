package images

import (
	"archive/tar"
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// Every image runs the program that its runtime stands for, with no network.
func TestImagesHoldTheirPrograms(t *testing.T) {
	for _, c := range []struct {
		image   string
		command []string
		says    string
	}{
		{Python, []string{"python3.11", "-c", "import PIL.Image, sys; print(sys.version)"}, "3.11."},
		{Node, []string{"node", "--version"}, "v20."},
		{Provided, []string{"sh", "-c", "curl --version"}, "curl "},
	} {
		t.Run(c.image, func(t *testing.T) {
			Need(t, c.image)
			arguments := append([]string{"run", "--rm", "--network=none", c.image}, c.command...)
			said, err := exec.Command("docker", arguments...).CombinedOutput()
			if err != nil || !strings.HasPrefix(string(said), c.says) {
				t.Errorf("docker %v: %v\n%s\nwant it to begin with %q", arguments, err, said, c.says)
			}
		})
	}
}

// The scratch image is empty: whatever runs in it brought everything it needs.
// The engine itself lays empty files over /etc and /dev in every container.
func TestScratchIsEmpty(t *testing.T) {
	Need(t, Scratch)
	id, err := exec.Command("docker", "create", Scratch, "/bootstrap").Output()
	if err != nil {
		t.Fatal(err)
	}
	container := strings.TrimSpace(string(id))
	defer exec.Command("docker", "rm", container).Run()

	exported, err := exec.Command("docker", "export", container).Output()
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(bytes.NewReader(exported)); ; {
		file, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if file.Typeflag == tar.TypeReg && file.Size > 0 {
			t.Errorf("%s holds %d bytes", file.Name, file.Size)
		}
	}
}
