package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/website"
	"github.com/virga-cloud/virga/services/service"
)

// Routes implements service.DataPlane: the hosts of buckets that are websites,
// in both ways that regions write them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
func (s *Service) Routes() []service.Route {
	const bucket = "{bucket:[a-z0-9][a-z0-9.-]*}.s3-website"
	return []service.Route{{Host: bucket, Serve: s.host}, {Host: bucket + "-{region:[a-z0-9-]+}", Serve: s.host}}
}

// visit is one request to a website.
type visit struct {
	*Service
	w    http.ResponseWriter
	r    *http.Request
	id   string
	site website.Site
	name string // of the bucket
}

// host answers a request to a website. Everyone may read it: whoever hosts one
// on AWS has allowed that.
func (s *Service) host(w http.ResponseWriter, r *http.Request, vars service.Vars) {
	v := &visit{Service: s, w: w, r: r, id: s.env.IDs.UUID(), name: vars["bucket"]}
	h := w.Header()
	h.Set("X-Amz-Request-Id", v.id)
	h.Set("X-Amz-Id-2", v.id)
	h.Set("Server", "AmazonS3")
	if err := v.serve(vars["rest"]); err != nil {
		v.fail(err)
	}
}

func (v *visit) serve(path string) error {
	if done, err := v.cross(); done || err != nil {
		return err
	}
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		return errMethodNotAllowed(v.r.Method, "OBJECT")
	}
	configuration, err := v.settings.website.get(v.Service, v.name, "")
	if err != nil {
		return err
	}
	key, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	if err != nil {
		return errInvalidURI()
	}
	v.site = website.Site{Configuration: configuration, Scheme: "http", Host: v.r.Host, Key: key, Query: v.r.URL.RawQuery}
	if v.r.TLS != nil {
		v.site.Scheme = "https"
	}
	if to, ok := v.site.Before(); ok {
		v.redirect(to)
		return nil
	}
	out, err := v.document()
	if err != nil {
		return err
	}
	if out == nil { // the folder's address has a slash more
		return nil
	}
	status := http.StatusOK
	if out.ContentRange != "" {
		status = http.StatusPartialContent
	}
	v.send(status, out)
	return nil
}

// cross applies the bucket's rules for pages of other origins. done says that
// the request only asked for them.
func (v *visit) cross() (done bool, err error) {
	preflight, origin := v.r.Method == http.MethodOptions, v.r.Header.Get("Origin")
	if !preflight && origin == "" {
		return false, nil
	}
	c := service.Crossing{
		Labels: map[string]string{"Bucket": v.name, "Key": v.r.URL.Path}, Preflight: preflight, Origin: origin,
		Method: v.r.Header.Get("Access-Control-Request-Method"), Headers: v.r.Header.Get("Access-Control-Request-Headers"),
	}
	if c.Method == "" && !preflight {
		c.Method = v.r.Method
	}
	headers, err := v.Cross(v.r.Context(), c)
	for _, f := range headers {
		v.w.Header().Set(f.Name, f.Value)
	}
	return preflight, err
}

// document reads the object that the page is. It is nil when the request has
// been sent to the folder that its key names.
func (v *visit) document() (*s3.GetObjectOutput, error) {
	h := v.r.Header
	out, err := v.read(&s3.GetObjectInput{
		Bucket: v.name, Key: v.site.Document(), Range: h.Get("Range"), IfMatch: h.Get("If-Match"), IfNoneMatch: h.Get("If-None-Match"),
		IfModifiedSince: dateOf(h, "If-Modified-Since"), IfUnmodifiedSince: dateOf(h, "If-Unmodified-Since"),
	})
	if e, ok := errors.AsType[*api.Error](err); !ok || e.Code != "NoSuchKey" {
		return out, err
	}
	if index, to, ok := v.site.Folder(); ok {
		if _, missing := v.tryGet(&s3.GetObjectInput{Bucket: v.name, Key: index}, false); missing == nil {
			v.redirect(to)
			return nil, nil
		}
	}
	return nil, err
}

// dateOf is a date in a header; one that is none counts as not sent.
func dateOf(h http.Header, name string) time.Time {
	t, err := http.ParseTime(h.Get(name))
	if err != nil {
		return time.Time{}
	}
	return t
}

// read is GetObject or HeadObject, whichever the request wants.
func (v *visit) read(in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	for attempt := 1; ; attempt++ {
		out, err := v.tryGet(in, v.r.Method == http.MethodGet)
		if !again(err, attempt) {
			return out, err
		}
	}
}

// fail answers an error: with the redirection that the site has for it, with
// the site's own page, or with S3's.
func (v *visit) fail(err error) {
	var e *api.Error
	if !errors.As(err, &e) {
		v.env.Log.Error("website", "bucket", v.name, "request", v.id, "error", err)
		e = errInternal()
	}
	h := v.w.Header()
	for name, value := range e.Header {
		h.Set(name, value)
	}
	if e.Status == http.StatusNotModified {
		v.w.WriteHeader(e.Status)
		return
	}
	var second *api.Error
	// What the client did wrong before a document was looked for stays S3's to say.
	if v.site.Configuration != nil {
		if to, ok := v.site.After(e.Status); ok {
			v.redirect(to)
			return
		}
		if key := v.site.ErrorDocument(e.Status); key != "" {
			out, err := v.read(&s3.GetObjectInput{Bucket: v.name, Key: key})
			if err == nil {
				v.describe(e)
				v.send(e.Status, out)
				return
			}
			if !errors.As(err, &second) {
				second = errInternal()
			}
		}
	}
	v.describe(e)
	text := website.Page(e, second, v.id, v.id)
	h.Set("Content-Type", website.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	v.w.WriteHeader(e.Status)
	if v.r.Method != http.MethodHead {
		_, _ = io.WriteString(v.w, text)
	}
}

// describe tells an error in headers, since the page may be the site's own.
func (v *visit) describe(e *api.Error) {
	h := v.w.Header()
	h.Set("X-Amz-Error-Code", e.Code)
	h.Set("X-Amz-Error-Message", e.Message)
	for _, d := range e.Detail {
		if value := url.PathEscape(d.Value); d.Name == "Key" {
			h.Set("X-Amz-Error-Detail-Key", strings.ReplaceAll(value, "%2F", "/"))
		}
	}
}

func (v *visit) redirect(to website.Redirection) {
	h := v.w.Header()
	h.Set("Location", to.Location)
	h.Set("Content-Length", "0")
	v.w.WriteHeader(to.Status)
}

// send answers with an object, or with the redirection that it is. After it nothing
// can be answered any more.
func (v *visit) send(status int, out *s3.GetObjectOutput) {
	if out.Body != nil {
		defer func() { _ = out.Body.Close() }() // it was only read
	}
	if out.WebsiteRedirectLocation != "" {
		v.redirect(website.Object(out.WebsiteRedirectLocation))
		return
	}
	h := v.w.Header()
	for _, f := range [...]api.Field{
		{Name: "Content-Type", Value: out.ContentType}, {Name: "Etag", Value: out.ETag}, {Name: "Last-Modified", Value: httpDate(out.LastModified)},
		{Name: "Cache-Control", Value: out.CacheControl}, {Name: "Content-Disposition", Value: out.ContentDisposition},
		{Name: "Content-Encoding", Value: out.ContentEncoding}, {Name: "Content-Language", Value: out.ContentLanguage},
		{Name: "Content-Range", Value: out.ContentRange}, {Name: "X-Amz-Version-Id", Value: out.VersionId},
	} {
		if f.Value != "" {
			h[f.Name] = []string{f.Value}
		}
	}
	if !out.Expires.IsZero() {
		h.Set("Expires", httpDate(out.Expires))
	}
	for name, value := range out.Metadata {
		h.Set("x-amz-meta-"+name, value)
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(*out.ContentLength, 10))
	v.w.WriteHeader(status)
	if out.Body != nil {
		_, err := io.Copy(v.w, out.Body)
		if err != nil && !errors.Is(err, context.Canceled) {
			panic(http.ErrAbortHandler) // the client must not take it for whole
		}
	}
}
