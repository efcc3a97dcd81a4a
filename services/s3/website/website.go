// Package website holds the rules by which buckets are websites: Check says
// whether a bucket can be given a configuration; a Site is one at work.
//
// # Vocabulary
//
// A request for a page has a key, as its path has it. The document is the
// object that the page is: the key, or the index document of the folder that
// the key names. A redirection sends the request elsewhere, and a page of an
// error is what S3 shows where there is no document.
//
// # Powers and limits
//
// The package decides and words; it reads no bucket, and answers no request.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
package website

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
)

// Site is a website that serves one request.
type Site struct {
	Configuration *s3.WebsiteConfiguration
	// Scheme and Host are how the site was reached, Key and Query what of it.
	Scheme, Host, Key, Query string
}

// Redirection is an answer that sends the client elsewhere.
type Redirection struct {
	Status   int
	Location string
}

// Document is the key of the object that is the page: folders are their index.
func (s *Site) Document() string {
	if s.Key == "" || strings.HasSuffix(s.Key, "/") {
		return s.Key + s.Configuration.IndexDocument.Suffix
	}
	return s.Key
}

// Folder is where the page would be if its key named a folder, without its
// slash; ok is false when it has one.
func (s *Site) Folder() (document string, to Redirection, ok bool) {
	if s.Key == "" || strings.HasSuffix(s.Key, "/") {
		return "", to, false
	}
	return s.Key + "/" + s.Configuration.IndexDocument.Suffix,
		Redirection{http.StatusFound, (&url.URL{Path: "/" + s.Key + "/"}).EscapedPath()}, true
}

// ErrorDocument is the key of the page for what went wrong, and "" when the
// site has none for it: it is for the client's errors only.
func (s *Site) ErrorDocument(status int) string {
	if d := s.Configuration.ErrorDocument; d != nil && status >= 400 && status < 500 {
		return d.Key
	}
	return ""
}

// Object is the redirection that an object names.
func Object(location string) Redirection { return Redirection{http.StatusMovedPermanently, location} }

// Before finds the redirection of a request before its object is looked for.
func (s *Site) Before() (Redirection, bool) {
	if all := s.Configuration.RedirectAllRequestsTo; all != nil {
		return s.to(http.StatusMovedPermanently, string(all.Protocol), all.HostName, s.Key), true
	}
	return s.route(0)
}

// After finds the redirection of a request that failed with a status.
func (s *Site) After(status int) (Redirection, bool) { return s.route(status) }

// route applies the first rule that fits; status 0 is no failure.
func (s *Site) route(status int) (Redirection, bool) {
	for _, r := range s.Configuration.RoutingRules {
		prefix, code := "", ""
		if c := r.Condition; c != nil {
			code = c.HttpErrorCodeReturnedEquals
			if c.KeyPrefixEquals != nil {
				prefix = *c.KeyPrefixEquals
			}
		}
		rest, fits := strings.CutPrefix(s.Key, prefix)
		if !fits || (code == "") != (status == 0) || code != "" && code != strconv.Itoa(status) {
			continue
		}
		return s.redirect(r.Redirect, rest), true
	}
	return Redirection{}, false
}

// redirect is the redirection that a rule names; rest is what stands in the
// key behind the rule's prefix.
func (s *Site) redirect(r *s3.Redirect, rest string) Redirection {
	key := s.Key
	switch {
	case r.ReplaceKeyWith != nil:
		key = *r.ReplaceKeyWith
	case r.ReplaceKeyPrefixWith != nil: // which may be empty: then the prefix goes
		key = *r.ReplaceKeyPrefixWith + rest
	}
	status, err := strconv.Atoi(r.HttpRedirectCode)
	if err != nil {
		status = http.StatusMovedPermanently
	}
	return s.to(status, string(r.Protocol), r.HostName, key)
}

// to is an address; what is not given is the request's own.
func (s *Site) to(status int, scheme, host, key string) Redirection {
	if scheme == "" {
		scheme = s.Scheme
	}
	if host == "" {
		host = s.Host
	}
	u := url.URL{Path: "/" + key, RawQuery: s.Query}
	return Redirection{status, scheme + "://" + host + u.RequestURI()}
}
