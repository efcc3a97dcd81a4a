package s3

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// modelPage lists keys as AWS documents it, from a sorted slice.
func modelPage(keys []string, prefix, delimiter, after string, limit int) (items []string, next string) {
	last := ""
	for _, k := range keys {
		if !strings.HasPrefix(k, prefix) || k <= after {
			continue
		}
		shown := k
		if delimiter != "" {
			if i := strings.Index(k[len(prefix):], delimiter); i >= 0 {
				shown = k[:len(prefix)+i+len(delimiter)]
				if shown == last || strings.HasPrefix(after, shown) {
					continue
				}
			}
		}
		if len(items) == limit {
			return items, last
		}
		items = append(items, shown)
		last = shown
	}
	return items, ""
}

// pages reads a whole listing of either version, page by page.
func (w *world) pages(bucket, prefix, delimiter string, limit int32, v2 bool) []string {
	w.t.Helper()
	var all []string
	marker := ""
	for {
		var contents []*s3.Object
		var groups []*s3.CommonPrefix
		var truncated bool
		var next string
		if v2 {
			out, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: prefix, Delimiter: delimiter, MaxKeys: &limit, ContinuationToken: &marker})
			if err != nil {
				w.t.Fatal(err)
			}
			contents, groups, truncated, next = out.Contents, out.CommonPrefixes, *out.IsTruncated, out.NextContinuationToken
			if int(*out.KeyCount) != len(contents)+len(groups) {
				w.t.Fatalf("KeyCount %d of %d and %d", *out.KeyCount, len(contents), len(groups))
			}
		} else {
			out, err := w.listObjects(w.ctx(), &s3.ListObjectsInput{Bucket: bucket, Prefix: prefix, Delimiter: delimiter, MaxKeys: &limit, Marker: marker})
			if err != nil {
				w.t.Fatal(err)
			}
			contents, groups, truncated, next = out.Contents, out.CommonPrefixes, *out.IsTruncated, out.NextMarker
			if truncated && delimiter == "" {
				if next != "" {
					w.t.Fatalf("NextMarker %q without a delimiter", next)
				}
				next = contents[len(contents)-1].Key
			}
		}
		var page []string
		for _, o := range contents {
			page = append(page, o.Key)
		}
		for _, g := range groups {
			page = append(page, g.Prefix)
		}
		if len(page) > int(limit) || truncated && len(page) != int(limit) || truncated != (next != "") {
			w.t.Fatalf("page of %d, limit %d, truncated %v, next %q", len(page), limit, truncated, next)
		}
		slices.Sort(page)
		all = append(all, page...)
		if !truncated {
			return all
		}
		marker = next
	}
}

// TestListingModel compares listings of random buckets with a sorted slice.
func TestListingModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "b", "/", "//", "-", "é", "\x00", "\x01", "\xff", " ", "abc"}
	word := func(n int) string {
		var b strings.Builder
		for range r.IntN(n) {
			b.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		return b.String()
	}
	for round := range 30 {
		w := newWorld(t)
		b := w.bucketNamed("abc")
		set := map[string]bool{}
		for range 1 + r.IntN(60) {
			if k := word(7); k != "" {
				set[k] = true
			}
		}
		if round%3 == 0 { // more keys under one prefix than a listing steps over
			for i := range 3 * groupSteps {
				set[fmt.Sprintf("b/%03d", i)] = true
			}
		}
		var keys []string
		for k := range set {
			w.put(b, k, "x")
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for range 40 {
			prefix, delimiter, limit := word(3), []string{"", "/", "/", "a", "//", "bc", "b/"}[r.IntN(7)], 1+r.IntN(8)
			var want []string
			for after := ""; ; {
				items, next := modelPage(keys, prefix, delimiter, after, limit)
				want = append(want, items...)
				if after = next; after == "" {
					break
				}
			}
			for _, v2 := range []bool{false, true} {
				if got := w.pages(b, prefix, delimiter, int32(limit), v2); !slices.Equal(got, want) {
					t.Fatalf("keys %q, prefix %q, delimiter %q, limit %d, v2 %v:\n got %q\nwant %q", keys, prefix, delimiter, limit, v2, got, want)
				}
			}
		}
	}
}

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
	_, err = w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: b, ContinuationToken: new("no token")})
	refused(t, err, "InvalidArgument", 400, "ArgumentName", "continuation-token")
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
		if c.steps > 2*groupSteps {
			t.Errorf("%d steps", c.steps)
		}
		return nil
	})
	must(t)(nil, err)
}
