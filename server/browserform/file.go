package browserform

import (
	"encoding/xml"
	"io"
	"net/url"
)

// File is the file of a form. Its length is known when it has been read.
type File struct {
	part     io.Reader
	body     io.Closer
	min, max int64
	n        int64
	err      error
}

// Hold holds the size of the file to a range, in bytes; a most of -1 is none.
func (f *File) Hold(least, most int64) {
	f.min = least
	if most >= 0 {
		f.max = min(f.max, most)
	}
}

// Unmeasured implements api.Unmeasured.
func (f *File) Unmeasured() {}

// counted is how much of a file that is too large is read on, to tell how large it is.
const counted = 1 << 20

// Read reads the file, and fails where its size is not what it may be.
func (f *File) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.part.Read(p)
	f.n += int64(n)
	switch {
	case f.n > f.max:
		more, _ := io.CopyN(io.Discard, f.part, counted)
		f.err = errTooLarge(f.n+more, f.max)
		return 0, f.err
	case err == io.EOF && f.n < f.min:
		f.err = errTooSmall(f.n, f.min)
		return 0, f.err
	}
	f.err = err
	return n, err
}

// Close implements io.Closer.
func (f *File) Close() error { return f.body.Close() }

// tagging is a document of tags as the header has them.
func tagging(document string) (string, error) {
	var d struct {
		Tags []struct {
			Key   string
			Value string
		} `xml:"TagSet>Tag"`
	}
	if xml.Unmarshal([]byte(document), &d) != nil {
		return "", errMalformedXML()
	}
	tags := ""
	for _, t := range d.Tags {
		if tags != "" {
			tags += "&"
		}
		tags += url.QueryEscape(t.Key) + "=" + url.QueryEscape(t.Value)
	}
	return tags, nil
}
