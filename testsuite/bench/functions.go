package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/virga-cloud/virga/testsuite/images"
)

const (
	// invokeConnections is how many invocations run at once where rates are measured.
	invokeConnections = 4
	// coldStarts is how many of them are measured.
	coldStarts = 5
	// invokeFloor and invokeAim are how much longer than a bare round trip a warm invocation may take.
	invokeFloor, invokeAim = time.Millisecond, 300 * time.Microsecond
	// event is what functions get, and answer.
	event = `{"photo":"holiday/beach.jpg","width":1024,"height":768}`
)

// functions measures invocations with each executor.
func (b *bench) functions(ctx context.Context) error {
	var archive []byte
	for _, executor := range []string{"process", "docker"} {
		name := "invoke " + executor
		if !b.chosen(name) {
			continue
		}
		if why := unusable(executor); why != "" {
			b.report.omit(name, why)
			continue
		}
		if archive == nil {
			var err error
			if archive, err = b.buildFunction(ctx); err != nil {
				return err
			}
		}
		progress("%s", name)
		if err := b.invoke(ctx, executor, archive); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// imageMapping is the variable that gives runtimes other images than AWS's. Where
// nobody has set it, they are the tests'.
const imageMapping = "LAMBDA_RUNTIME_IMAGE_MAPPING"

// unusable says why an executor cannot be measured here, or "".
func unusable(executor string) string {
	if executor != "docker" || os.Getenv(imageMapping) != "" {
		return ""
	}
	if err := exec.Command("docker", "image", "inspect", images.Provided).Run(); err != nil {
		return "no engine with the image " + images.Provided + "; testsuite/setup/run.sh starts one and builds it"
	}
	return ""
}

// buildFunction builds the bootstrap and packs it as Lambda takes it.
func (b *bench) buildFunction(ctx context.Context) ([]byte, error) {
	program := filepath.Join(b.dir, "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", program, "github.com/virga-cloud/virga/testsuite/bench/bootstrap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the function: %w: %s", err, out)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(fs.FileMode(0o755))
	f, err := z.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(text); err != nil {
		return nil, err
	}
	err = z.Close()
	return archive.Bytes(), err
}

// invoke measures one executor.
func (b *bench) invoke(ctx context.Context, executor string, archive []byte) (err error) {
	if os.Getenv(imageMapping) == "" {
		if err := os.Setenv(imageMapping, images.Mapping()); err != nil {
			return err
		}
	}
	virga, err := b.startVirga(ctx, executor, filepath.Join(b.dir, executor), "--lambda-executor", executor)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, virga.end()) }()
	limit, err := b.startLimit(ctx, len(event), false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limit.end()) }()
	c, err := dial(virga.address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := makeFunction(c, archive); err != nil {
		return err
	}
	result := invoke{Executor: executor, Floor: invokeFloor, Aim: invokeAim}
	if result.Cold, err = cold(c); err != nil {
		return err
	}
	sequential := load{name: "invoke", request: invokeRequest(), connections: 1, size: len(event), check: echoed}
	measured, err := b.compare(ctx, &sequential, []*subject{limit, virga})
	if err != nil {
		return err
	}
	bare, warm := sum(measured[0], measured[0]), sum(measured[1], measured[0])
	result.RoundTrip, result.Warm = bare.Median, warm.Median
	result.Above = median(b.rounds, func(i int) time.Duration { return measured[1][i].median() - measured[0][i].median() })
	parallel := sequential
	parallel.connections = invokeConnections
	if measured, err = b.compare(ctx, &parallel, []*subject{limit, virga}); err != nil {
		return err
	}
	many := sum(measured[1], measured[0])
	result.PerSecond, result.Ratio = many.PerSecond, many.Ratio
	b.report.Invokes = append(b.report.Invokes, result)
	return b.profile(ctx, &parallel, []*subject{virga})
}

const functionPath = "/2015-03-31/functions"

func invokeRequest() request {
	return newRequest("POST "+functionPath+"/bench/invocations", "lambda", []string{"Content-Type: application/json"}, event, 0)
}

func echoed(body []byte) error {
	if string(body) != event {
		return fmt.Errorf("the function answered %.300q", body)
	}
	return nil
}

// makeFunction makes a function, and the role it runs in.
func makeFunction(c *conn, archive []byte) error {
	form := "Action=CreateRole&Version=2010-05-08&RoleName=bench&AssumeRolePolicyDocument=" +
		`%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D`
	if _, err := c.do(newRequest("POST /", "iam", []string{"Content-Type: application/x-www-form-urlencoded"}, form, 0)); err != nil {
		return err
	}
	architecture := "x86_64"
	if runtime.GOARCH == "arm64" {
		architecture = "arm64"
	}
	function := `{"FunctionName":"bench","Runtime":"provided.al2023","Handler":"bootstrap","MemorySize":512,"Timeout":30,` +
		`"Role":"arn:aws:iam::000000000000:role/bench","Architectures":["` + architecture + `"],` +
		`"Code":{"ZipFile":"` + base64.StdEncoding.EncodeToString(archive) + `"}}`
	if _, err := c.do(newRequest("POST "+functionPath, "lambda", []string{"Content-Type: application/json"}, function, 0)); err != nil {
		return err
	}
	return waitForFunction(c)
}

func waitForFunction(c *conn) error {
	return waitFor(func() (bool, error) {
		body, err := c.do(newRequest("GET "+functionPath+"/bench/configuration", "lambda", nil, "", 0))
		text := string(body)
		return strings.Contains(text, `"State":"Active"`) && !strings.Contains(text, `"LastUpdateStatus":"InProgress"`), err
	})
}

// cold is the time of an invocation that starts a sandbox: the first after a
// change of the configuration.
func cold(c *conn) (time.Duration, error) {
	var times []time.Duration
	for n := range coldStarts + 1 {
		change := fmt.Sprintf(`{"Environment":{"Variables":{"ROUND":"%d"}}}`, n)
		if _, err := c.do(newRequest("PUT "+functionPath+"/bench/configuration", "lambda", []string{"Content-Type: application/json"}, change, 0)); err != nil {
			return 0, err
		}
		if err := waitForFunction(c); err != nil {
			return 0, err
		}
		began := time.Now()
		body, err := c.do(invokeRequest())
		if err != nil {
			return 0, err
		}
		if err := echoed(body); err != nil {
			return 0, err
		}
		if n > 0 { // the very first also finds the executor and places the code
			times = append(times, time.Since(began))
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// waitFor asks until the answer is yes.
func waitFor(ask func() (bool, error)) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if yes, err := ask(); yes || err != nil {
			return err
		}
	}
	return errors.New("a resource does not become ready")
}
