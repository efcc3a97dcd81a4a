package s3

import (
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

func TestListingMembers(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	for _, k := range []string{"a b+c/é", "dir/1", "dir/2", "z"} {
		w.put(b, k, "content")
	}
	out, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b, EncodingType: "url", Delimiter: "/", StartAfter: "a a", FetchOwner: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	if *out.MaxKeys != 1000 || out.Name != b || out.StartAfter != "a%20a" || *out.IsTruncated || *out.KeyCount != 3 ||
		out.CommonPrefixes[0].Prefix != "a%20b%2Bc/" || out.CommonPrefixes[1].Prefix != "dir/" {
		t.Errorf("%+v", out)
	}
	o := out.Contents[0]
	if o.Key != "z" || *o.Size != 7 || o.ETag != quoted(hexMD5("content")) || o.StorageClass != "STANDARD" || o.Owner.ID != ownerID(account) ||
		o.ChecksumAlgorithm[0] != "CRC64NVME" || o.ChecksumType != "FULL_OBJECT" || !o.LastModified.Equal(epoch.Truncate(1e9)) {
		t.Errorf("%+v", o)
	}
	// Version 2 has no owner unless it is asked for one; version 1 always has.
	out, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b})
	if err != nil || out.Contents[0].Owner != nil {
		t.Errorf("%+v, %v", out, err)
	}
	v1, err := w.listObjects(w.ctx(), &s3.ListObjectsInput{Bucket: b})
	if err != nil || v1.Contents[0].Owner == nil {
		t.Errorf("%+v, %v", v1, err)
	}
	// start-after inside a common prefix does not hide it.
	out, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b, Delimiter: "/", StartAfter: "dir/1"})
	if err != nil || len(out.CommonPrefixes) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	out, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b, MaxKeys: new(int32(0))})
	if err != nil || *out.IsTruncated || len(out.Contents) != 0 || *out.MaxKeys != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	out, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b, MaxKeys: new(int32(5000))})
	if err != nil || *out.MaxKeys != 1000 {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b, MaxKeys: new(int32(-1))})
	refused(t, err, "InvalidArgument", 400)
	for _, token := range []string{"no token", "", "bm8gdG9rZW4"} {
		_, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b, ContinuationToken: &token})
		if e := refused(t, err, "InvalidArgument", 400, "ArgumentName", "continuation-token"); e.Message != "The continuation token provided is incorrect" || len(e.Detail) != 1 {
			t.Errorf("%+v", e)
		}
	}
	_, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b, EncodingType: "rot13"})
	refused(t, err, "InvalidArgument", 400)
	_, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: "nowhere"})
	refused(t, err, "NoSuchBucket", 404)
}

func TestEncodeURL(t *testing.T) {
	for _, s := range []string{"a/b c+d", "é\U0001F600", "%2F", "-_.*~!'()", "\x00\xff"} {
		for _, e := range []string{encodeURL(s), encodeEventKey(s)} {
			if back, err := url.QueryUnescape(e); err != nil || back != s {
				t.Errorf("%q is encoded as %q, which is %q: %v", s, e, back, err)
			}
			if strings.ContainsAny(e, " \x00é") {
				t.Errorf("%q is not encoded", e)
			}
		}
	}
	if got := encodeURL("a/b c+(d)*~é"); got != "a/b%20c%2B%28d%29*%7E%C3%A9" {
		t.Error(got)
	}
	if got := encodeEventKey("a/b c+(d)*~é"); got != "a/b+c%2B%28d%29*%7E%C3%A9" {
		t.Error(got)
	}
}

// counting counts the steps of scans.
type counting struct {
	storage.Tx
	steps int
}

func (c *counting) Scan(r storage.Range) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		for e, err := range c.Tx.Scan(r) {
			c.steps++
			if !yield(e, err) {
				return
			}
		}
	}
}

// However many keys a common prefix hides, a page steps over a few of them.
func TestHiddenKeysCostNothing(t *testing.T) {
	w := newWorld(t)
	err := w.db.Update(func(tx storage.Tx) error {
		for i := range 20000 {
			if err := storage.PutRecord(tx, keyObject(1, fmt.Sprintf("hidden/%06d", i)), &object{}); err != nil {
				return err
			}
		}
		return storage.PutRecord(tx, keyObject(1, "seen"), &object{})
	})
	must(t)(nil, err)
	err = w.db.View(func(tx storage.Tx) error {
		c := &counting{Tx: tx}
		n := 0
		p, err := list(c, listing{root: objectsOf(1), delimiter: "/", limit: 10}, func(string, *storage.KeyReader, *summary) error { n++; return nil })
		if err != nil || n != 1 || !slices.Equal(p.groups, []string{"hidden/"}) || p.truncated {
			t.Errorf("%d items, %+v, %v", n, p, err)
		}
		if c.steps > 3 {
			t.Errorf("%d steps", c.steps)
		}
		return nil
	})
	must(t)(nil, err)
}
