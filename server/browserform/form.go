// Package browserform reads the forms by which browsers upload to S3
// (multipart/form-data), and says which request such a form stands for.
//
// # Vocabulary
//
// A form has fields and, behind them, a file. What stands behind the file is
// not read. The form stands for a PutObject: fields become its headers, and
// the file its body.
//
// # Powers and limits
//
// Fields are held in memory, and bounded; the file passes through, held to the
// sizes that its policy allows. Who may send the form is for auth.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
package browserform

import (
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

const (
	// maxFields bounds everything before the file, in bytes.
	maxFields = 20 << 10
	// readAhead is how much of the file may have been read with the fields.
	readAhead = 8 << 10
	// maxFile is the largest file: what one PutObject takes.
	maxFile = 5 << 30
)

// Form is a form that has been read up to its file.
type Form struct {
	// Fields are the values of the fields by their names in lower case. Of a
	// field that is there twice the last counts. The key is as the object's will be.
	Fields map[string]string
	// File is the file that follows.
	File *File
}

// Read reads the fields of a form and finds its file.
func Read(r *http.Request) (*Form, error) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return nil, errNoForm()
	}
	if err != nil || parameters["boundary"] == "" {
		return nil, errMalformed()
	}
	if r.ContentLength < 0 {
		return nil, errMissingContentLength()
	}
	body := &io.LimitedReader{R: r.Body, N: maxFields + readAhead}
	parts := multipart.NewReader(body, parameters["boundary"])
	f := &Form{Fields: map[string]string{}}
	for size := 0; ; {
		part, err := parts.NextRawPart()
		if err == nil {
			name, filename := names(part.Header)
			switch name {
			case "":
				return nil, errMalformed()
			case "file":
				body.N = math.MaxInt64
				f.File = &File{part: part, body: r.Body, max: maxFile}
				return f, f.checkKey(filename)
			}
			var value []byte
			if value, err = io.ReadAll(part); err == nil {
				if size += len(name) + len(value); size > maxFields {
					return nil, errTooManyFields()
				}
				f.Fields[name] = string(value)
				continue
			}
		}
		switch {
		case body.N == 0:
			return nil, errTooManyFields()
		case err == io.EOF:
			return nil, errNoFile()
		}
		return nil, errMalformed()
	}
}

// names are the name of a field, in lower case, and the name of its file.
// Browsers that send a path mean what is behind its last slash.
func names(h textproto.MIMEHeader) (field, file string) {
	_, parameters, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil {
		return "", ""
	}
	file = parameters["filename"]
	if i := strings.LastIndexAny(file, `/\`); i >= 0 {
		file = file[i+1:]
	}
	return strings.ToLower(parameters["name"]), file
}

// checkKey finishes the key. A field that holds the file has no name to put in.
func (f *Form) checkKey(filename string) error {
	key, there := f.Fields["key"]
	switch {
	case !there:
		return errMissing("key")
	case filename != "":
		key = strings.ReplaceAll(key, "${filename}", filename)
	}
	if key == "" {
		return errEmptyKey()
	}
	f.Fields["key"] = key
	return nil
}

// Field is a field by its name in lower case, and "" when it is not there.
func (f *Form) Field(name string) string { return f.Fields[name] }

// plain are the fields that are headers under their own names.
var plain = []string{"cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "content-md5", "expires"}

// signing are the fields that sign the form, and mean nothing else.
var signing = map[string]bool{
	"x-amz-algorithm": true, "x-amz-credential": true, "x-amz-date": true, "x-amz-signature": true, "x-amz-security-token": true,
}

// Put is the request that the form stands for, for its headers and its body.
func (f *Form) Put(r *http.Request) (*http.Request, error) {
	h := http.Header{"User-Agent": r.Header["User-Agent"]}
	for _, name := range plain {
		if v := f.Fields[name]; v != "" {
			h.Set(name, v)
		}
	}
	for name, v := range f.Fields {
		switch {
		case !strings.HasPrefix(name, "x-amz-") || signing[name] || v == "":
		case strings.HasPrefix(name, "x-amz-meta-"):
			h.Set(name, mime.BEncoding.Encode("UTF-8", v)) // a form's text is UTF-8, a header's is not
		default:
			h.Set(name, v)
		}
	}
	if acl := f.Fields["acl"]; acl != "" {
		h.Set("X-Amz-Acl", acl)
	}
	if document := f.Fields["tagging"]; document != "" {
		tags, err := tagging(document)
		if err != nil {
			return nil, err
		}
		h.Set("X-Amz-Tagging", tags)
	}
	put := *r
	put.Method, put.Header, put.Body, put.ContentLength = http.MethodPut, h, f.File, -1
	put.URL = &url.URL{Path: r.URL.Path}
	return &put, nil
}
