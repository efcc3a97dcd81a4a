package server

import (
	"encoding/xml"
	"net/http"
	"net/url"

	"github.com/virga-cloud/virga/auth/postpolicy"
	"github.com/virga-cloud/virga/server/browserform"
	"github.com/virga-cloud/virga/server/protocol"
)

// isPost says that a request is a form that a browser sent to a bucket of S3:
// POST at the bucket's own address is no other operation.
func (x *exchange) isPost(r *http.Request) bool {
	t := &x.target
	return t.op == nil && r.Method == http.MethodPost && t.uri.Labels.Value("Bucket") != "" && t.uri.Labels.Value("Key") == "" &&
		t.model == x.server.directory.s3.model
}

// post carries out a form. It is the PutObject that it stands for, but for
// who signed it, what its policy allows, and the form of the answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
func (x *exchange) post(r *http.Request) {
	x.what = "s3.PostObject"
	form, err := browserform.Read(r)
	if err != nil {
		x.fail(err)
		return
	}
	bucket, key := x.target.uri.Labels.Value("Bucket"), form.Field("key")
	who, err := x.server.options.Verifier.AuthenticateForm(r.Context(), form.Field)
	if err == nil && form.Field("policy") != "" {
		err = x.obey(form, bucket)
	}
	if err != nil {
		x.fail(err)
		return
	}
	put, err := form.Put(r)
	if err != nil {
		x.fail(err)
		return
	}
	if x.target.region == "" {
		x.target.region = who.Region
	}
	x.target.op = x.server.directory.s3.ops["PutObject"]
	x.target.uri = protocol.URI{Labels: protocol.Pairs{{Name: "Bucket", Value: bucket}, {Name: "Key", Value: url.PathEscape(key)}}}
	out, err := x.carryOut(put, who)
	if err != nil {
		x.fail(err)
		return
	}
	h := x.answer.Header()
	if err := protocol.For(x.target.protocol).Encode(x.target.op.Spec(), headerOnly{h}, out); err != nil {
		x.fail(err)
		return
	}
	x.posted(r, form, bucket, key)
}

// obey holds a form to its policy, and its file to the policy's sizes.
func (x *exchange) obey(form *browserform.Form, bucket string) error {
	policy, err := postpolicy.Parse(form.Field("policy"))
	if err != nil {
		return err
	}
	fields := postpolicy.Fields{}
	for name, value := range form.Fields {
		fields[name] = value
	}
	fields["bucket"] = bucket // whatever the form says
	if err := policy.Check(fields, x.start); err != nil {
		return err
	}
	form.File.Hold(policy.Min, policy.Max)
	return nil
}

// posted answers a form as it asked: with a redirection, or with a status.
func (x *exchange) posted(r *http.Request, form *browserform.Form, bucket, key string) {
	h := x.answer.Header()
	etag := h.Get("ETag")
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	location := scheme + "://" + r.Host + "/"
	if !x.target.virtualHost {
		location += bucket + "/"
	}
	location += (&url.URL{Path: key}).EscapedPath()
	h.Set("Location", location)
	h.Del("Content-Length")
	if to := redirection(form, bucket, key, etag); to != "" {
		h.Set("Location", to)
		x.answer.WriteHeader(http.StatusSeeOther)
		return
	}
	switch form.Field("success_action_status") {
	case "200":
		h.Set("Content-Length", "0")
		x.answer.WriteHeader(http.StatusOK)
	case "201":
		text, err := xml.Marshal(postResponse{Location: location, Bucket: bucket, Key: key, ETag: etag})
		if err != nil {
			x.fail(err)
			return
		}
		h.Set("Content-Type", "application/xml")
		x.answer.WriteHeader(http.StatusCreated)
		_, _ = x.answer.Write(append([]byte(xml.Header), text...)) // whose client is gone has no further consequence
	default:
		x.answer.WriteHeader(http.StatusNoContent)
	}
}

type postResponse struct {
	XMLName  xml.Name `xml:"PostResponse"`
	Location string
	Bucket   string
	Key      string
	ETag     string
}

// redirection is where the form wants its sender to go, with what was stored;
// "" when it says nothing, or nothing that is an address.
func redirection(form *browserform.Form, bucket, key, etag string) string {
	to := form.Field("success_action_redirect")
	if to == "" {
		to = form.Field("redirect")
	}
	u, err := url.Parse(to)
	if err != nil || u.Host == "" {
		return ""
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "bucket=" + url.QueryEscape(bucket) + "&key=" + url.QueryEscape(key) + "&etag=" + url.QueryEscape(etag)
	return u.String()
}

// headerOnly is an answer of which the headers are kept.
type headerOnly struct{ header http.Header }

func (w headerOnly) Header() http.Header         { return w.header }
func (w headerOnly) WriteHeader(int)             {}
func (w headerOnly) Write(p []byte) (int, error) { return len(p), nil }
