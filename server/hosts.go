package server

import (
	"net"
	"strings"
)

// address is what the Host of a request says.
type address struct {
	// name is the host without port, in lower case.
	name string
	// service is the endpoint prefix the host names ("s3", "dynamodb"), or "".
	service string
	// region is the region the host names, or "".
	region string
	// bucket is the bucket of a virtual-host address of S3, or "".
	bucket string
	// labels are the host's labels before the domain, when it is one of ours.
	labels []string
}

// domains are the hosts below which services have addresses. AWS's own come
// with them, so that clients that resolve amazonaws.com to us work unchanged.
var domains = []string{
	"localhost.localstack.cloud", "amazonaws.com.cn", "amazonaws.com", "api.aws", "localhost",
}

// parseHost reads a Host header. domain is a further domain of ours ("" none).
func parseHost(host, domain string) address {
	a := address{name: hostname(host)}
	if a.name == "localhost" || a.name == "" || a.name[len(a.name)-1] <= '9' {
		return a // the ordinary cases: nothing but the server, by name or IPv4 address
	}
	rest, ok := cutDomain(a.name, domain)
	if !ok || rest == "" {
		return a
	}
	a.labels = strings.Split(rest, ".")
	a.readLabels()
	return a
}

func cutDomain(name, domain string) (rest string, ok bool) {
	if domain != "" {
		if r, ok := strings.CutSuffix(name, "."+domain); ok {
			return r, true
		}
	}
	for _, d := range domains {
		if r, ok := strings.CutSuffix(name, "."+d); ok {
			return r, true
		}
	}
	return "", false
}

// readLabels finds the service, the region and the bucket. The labels are, from
// the right: a region, modifiers, the service, and what the service puts before.
func (a *address) readLabels() {
	l := a.labels
	if n := len(l); n > 1 && isRegion(l[n-1]) {
		a.region, l = l[n-1], l[:n-1]
	}
	for len(l) > 1 && (l[len(l)-1] == "dualstack" || l[len(l)-1] == "fips") {
		l = l[:len(l)-1]
	}
	if len(l) == 0 {
		return
	}
	last := len(l) - 1
	service := strings.TrimSuffix(l[last], "-fips")
	switch {
	case service == "s3", service == "s3-accelerate", service == "s3express-control":
		a.service = "s3"
	case strings.HasPrefix(service, "s3-") && isRegion(service[3:]): // the old dash form
		a.service, a.region = "s3", service[3:]
	case service == "dynamodb" && last > 0 && l[0] == "streams":
		a.service = "streams.dynamodb"
		return
	case service == "ddb": // {account}.ddb.{region}
		a.service = "dynamodb"
		return
	default:
		a.service = service
	}
	if a.service == "s3" && last > 0 {
		a.bucket = strings.Join(l[:last], ".")
	}
}

// isRegion says whether a label has the form of a region: "eu-central-1", "us-gov-west-1".
func isRegion(s string) bool {
	letter := func(c byte) bool { return 'a' <= c && c <= 'z' }
	if len(s) < 9 || s[len(s)-1] < '0' || s[len(s)-1] > '9' {
		return false
	}
	return letter(s[0]) && letter(s[1]) && s[2] == '-' && strings.Count(s, "-") >= 2
}

// hostname is a Host header without its port and the brackets of IPv6, in lower case.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	host = strings.TrimPrefix(strings.TrimSuffix(host, "]"), "[")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
