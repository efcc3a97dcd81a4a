package auth_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
)

// recorded are the requests in testdata, by name.
func recorded(t testing.TB) map[string][]byte {
	files, err := filepath.Glob("testdata/requests/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded requests: %v", err)
	}
	requests := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		requests[strings.TrimSuffix(filepath.Base(f), ".http")] = b
	}
	return requests
}

func readRequest(t testing.TB, raw []byte) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// recordedTarget is what a recorded request is for.
func recordedTarget(r *http.Request) auth.Target {
	s := auth.Parse(r)
	protocols := map[string]api.Protocol{"s3": api.RESTXML, "iam": api.Query, "sts": api.Query, "lambda": api.RESTJSON, "apigateway": api.RESTJSON}
	protocol := protocols[s.Service]
	if protocol == "" {
		protocol = api.JSON
	}
	return auth.Target{Service: &api.Service{Name: s.Service, SigningName: s.Service}, Protocol: protocol}
}

// recordedVerifier knows the key of the recorded requests with the session
// token that r carries, and the given secret.
func recordedVerifier(r *http.Request, secret string) *auth.Verifier {
	c := credentials("AKIDEXAMPLE", secret)
	c.SessionToken = auth.Parse(r).SessionToken
	return verifierAt("20240229T235958Z", auth.Off, c)
}

const recordedSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// accept authenticates a request and reads its body.
func accept(v *auth.Verifier, r *http.Request, target auth.Target) error {
	if _, err := v.Authenticate(r, target); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, r.Body)
	return err
}

// TestClients verifies what SDKs send, and finds every change to it.
func TestClients(t *testing.T) {
	tampers := map[string]func(*http.Request) bool{
		"method": func(r *http.Request) bool { r.Method = "PATCH"; return true },
		"path":   func(r *http.Request) bool { r.URL.Path += "x"; r.URL.RawPath = ""; return true },
		"query":  func(r *http.Request) bool { r.URL.RawQuery += "&x=1"; return true },
		"host":   func(r *http.Request) bool { r.Host = "example.com"; return true },
		"query value": func(r *http.Request) bool {
			before := r.URL.RawQuery
			r.URL.RawQuery = strings.Replace(before, "=", "=z", 1)
			return r.URL.RawQuery != before
		},
		"signed header": func(r *http.Request) bool {
			s := auth.Parse(r)
			for _, name := range strings.Split(s.SignedHeaders, ";") {
				if name != "host" && name != "x-amz-content-sha256" && name != "x-amz-date" {
					r.Header.Set(name, r.Header.Get(name)+"x")
					return true
				}
			}
			return false
		},
		"x-amz header added": func(r *http.Request) bool { r.Header.Set("X-Amz-Added", "x"); return true },
		"signed headers fewer": func(r *http.Request) bool {
			before := r.Header.Get("Authorization")
			after := strings.Replace(before, "SignedHeaders=host;", "SignedHeaders=", 1)
			r.Header.Set("Authorization", after)
			return before != after
		},
		"date": func(r *http.Request) bool {
			if r.Header.Get("X-Amz-Date") == "" {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "235958Z", "235957Z", 1)
			} else {
				r.Header.Set("X-Amz-Date", "20240229T235957Z")
			}
			return true
		},
		"region": func(r *http.Request) bool {
			before := r.Header.Get("Authorization") + r.URL.RawQuery
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "eu-west-1", "eu-west-2", 1))
			if r.Header.Get("Authorization") == "" {
				r.Header.Del("Authorization")
			}
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "eu-west-1", "eu-west-2", 1)
			return before != r.Header.Get("Authorization")+r.URL.RawQuery
		},
		"region set": func(r *http.Request) bool {
			if r.Header.Get("X-Amz-Region-Set") == "" {
				return false
			}
			r.Header.Set("X-Amz-Region-Set", "eu-*")
			return true
		},
		"body": func(r *http.Request) bool {
			if r.ContentLength <= 0 || r.Method == "GET" {
				return false
			}
			b, _ := io.ReadAll(r.Body)
			b[len(b)-1] ^= 1
			r.Body = io.NopCloser(bytes.NewReader(b))
			return true
		},
		"payload hash": func(r *http.Request) bool {
			if r.Header.Get("X-Amz-Content-Sha256") == "" {
				return false
			}
			r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64))
			return true
		},
		"signature": func(r *http.Request) bool {
			h, q := r.Header.Get("Authorization"), r.URL.RawQuery
			if h != "" {
				r.Header.Set("Authorization", h[:len(h)-1]+string(h[len(h)-1]^1))
			} else {
				r.URL.RawQuery = q[:len(q)-1] + string(q[len(q)-1]^1)
			}
			return true
		},
	}
	for name, raw := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			r := readRequest(t, raw)
			target := recordedTarget(r)
			if err := accept(recordedVerifier(r, recordedSecret), r, target); err != nil {
				t.Fatal(err)
			}
			for change, tamper := range tampers {
				r := readRequest(t, raw)
				v := recordedVerifier(r, recordedSecret)
				if tamper(r) && accept(v, r, target) == nil {
					t.Errorf("let in with another %s", change)
				}
			}
			r = readRequest(t, raw)
			if accept(recordedVerifier(r, rand.Text()), r, target) == nil {
				t.Error("let in with another secret")
			}
			r = readRequest(t, raw)
			v := verifierAt("20240229T235958Z", auth.Off, &auth.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: recordedSecret, SessionToken: "other"})
			if accept(v, r, target) == nil {
				t.Error("let in with another session token")
			}
			r = readRequest(t, raw)
			other := target
			other.Service = &api.Service{Name: "other", SigningName: "other"}
			if accept(recordedVerifier(r, recordedSecret), r, other) == nil {
				t.Error("let in to another service")
			}
		})
	}
}
