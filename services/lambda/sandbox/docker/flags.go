package docker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/docker/go-connections/nat"
	"github.com/spf13/pflag"
)

// Flags are settings of containers in the words of the docker command.
type Flags struct {
	environment []string
	volumes     []string
	hosts       []string
	dns         []string
	labels      map[string]string
	network     string
	platform    string
	user        string
	privileged  bool
	exposed     nat.PortSet
	published   nat.PortMap
}

// ParseFlags reads the value of LAMBDA_DOCKER_FLAGS: of the flags of `docker run`,
// it takes -e (--env), -v (--volume), -p (--publish), -l (--label), -u (--user), --network
// (--net), --add-host, --dns, --platform and --privileged. Words are
// split as a shell splits them, quotes and backslashes included.
func ParseFlags(value string) (Flags, error) {
	words, err := split(value)
	if err != nil {
		return Flags{}, err
	}
	var f Flags
	var ports, labels []string
	set := pflag.NewFlagSet("docker flags", pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringArrayVarP(&f.environment, "env", "e", nil, "")
	set.StringArrayVarP(&f.volumes, "volume", "v", nil, "")
	set.StringArrayVarP(&ports, "publish", "p", nil, "")
	set.StringArrayVarP(&labels, "label", "l", nil, "")
	set.StringVarP(&f.user, "user", "u", "", "")
	set.StringVar(&f.network, "network", "", "")
	set.StringVar(&f.network, "net", "", "")
	set.StringArrayVar(&f.hosts, "add-host", nil, "")
	set.StringArrayVar(&f.dns, "dns", nil, "")
	set.StringVar(&f.platform, "platform", "", "")
	set.BoolVar(&f.privileged, "privileged", false, "")
	if err := set.Parse(words); err != nil {
		return Flags{}, fmt.Errorf("docker flags: %w", err)
	}
	if set.NArg() > 0 {
		return Flags{}, fmt.Errorf("docker flags: %q is not a flag", set.Arg(0))
	}
	for i, v := range f.environment {
		if !strings.Contains(v, "=") { // the server's own, as docker run takes it
			f.environment[i] = v + "=" + os.Getenv(v)
		}
	}
	for _, v := range labels {
		if f.labels == nil {
			f.labels = map[string]string{}
		}
		key, value, _ := strings.Cut(v, "=")
		f.labels[key] = value
	}
	if len(ports) > 0 {
		if f.exposed, f.published, err = nat.ParsePortSpecs(ports); err != nil {
			return Flags{}, fmt.Errorf("docker flags: %w", err)
		}
	}
	return f, nil
}

// split splits a line into words as a shell does.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote, escaped := false, rune(0), false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("docker flags: a quote is not closed")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
