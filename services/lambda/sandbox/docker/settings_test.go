package docker

import (
	"reflect"
	"strings"
	"testing"
)

func TestImages(t *testing.T) {
	for _, c := range []struct{ value, runtime, want string }{
		{"", "python3.11", "public.ecr.aws/lambda/python:3.11"},
		{"", "nodejs20.x", "public.ecr.aws/lambda/nodejs:20"},
		{"", "provided.al2023", "public.ecr.aws/lambda/provided:al2023"},
		{"", "java21", "public.ecr.aws/lambda/java:21"},
		{"", "java8.al2", "public.ecr.aws/lambda/java:8.al2"},
		{"", "dotnet8", "public.ecr.aws/lambda/dotnet:8"},
		{"", "ruby3.3", "public.ecr.aws/lambda/ruby:3.3"},
		{"my/lambda-<runtime>:v1", "python3.11", "my/lambda-python3.11:v1"},
		{`{"python3.11": "mine"}`, "python3.11", "mine"},
		{`{"python3.11": "mine"}`, "python3.12", "public.ecr.aws/lambda/python:3.12"},
	} {
		i, err := ParseImages(c.value)
		if err != nil {
			t.Fatal(err)
		}
		if got := i.For(c.runtime); got != c.want {
			t.Errorf("%q: the image of %s is %s, want %s", c.value, c.runtime, got, c.want)
		}
	}
	if _, err := ParseImages(`{"python3.11": 1}`); err == nil {
		t.Error("a mapping to a number was accepted")
	}
}

func TestFlags(t *testing.T) {
	t.Setenv("OF_THE_SERVER", "yes")
	f, err := ParseFlags(`-e A=1 --env "B=two words" -e OF_THE_SERVER -v /a:/b:ro -p 8080:80 --network my-net --add-host=db:10.0.0.1 --platform linux/amd64 -l 'x=y z' -u 1000 --dns 1.1.1.1 --privileged`)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"A=1", "B=two words", "OF_THE_SERVER=yes"}; !reflect.DeepEqual(f.environment, want) {
		t.Errorf("the environment is %q", f.environment)
	}
	if f.volumes[0] != "/a:/b:ro" || f.network != "my-net" || f.hosts[0] != "db:10.0.0.1" || f.platform != "linux/amd64" ||
		f.labels["x"] != "y z" || f.user != "1000" || f.dns[0] != "1.1.1.1" || !f.privileged {
		t.Errorf("the flags are %+v", f)
	}
	if b := f.published["80/tcp"]; len(b) != 1 || b[0].HostPort != "8080" {
		t.Errorf("the ports are %v", f.published)
	}
	for value, want := range map[string]string{
		"--gpus all":   "unknown flag: --gpus",
		"busybox":      `"busybox" is not a flag`,
		`-e "A=1`:      "a quote is not closed",
		"-p ninety:80": "docker flags: ",
	} {
		if _, err := ParseFlags(value); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %s", value, err, want)
		}
	}
}
