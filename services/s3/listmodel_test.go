package s3

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
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
	var token *string
	marker := ""
	for {
		var contents []*s3.Object
		var groups []*s3.CommonPrefix
		var truncated bool
		var next string
		if v2 {
			out, err := w.listObjectsV2(w.ctx(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: prefix, Delimiter: delimiter, MaxKeys: &limit, ContinuationToken: token})
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
		page := shown(contents, groups)
		if len(page) > int(limit) || truncated && len(page) != int(limit) || truncated != (next != "") {
			w.t.Fatalf("page of %d, limit %d, truncated %v, next %q", len(page), limit, truncated, next)
		}
		all = append(all, page...)
		if !truncated {
			return all
		}
		marker, token = next, &next
	}
}

// bothEngines runs a test on a store in memory and on one on disk.
func bothEngines(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("memory", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("disk", func(t *testing.T) { test(t, onDisk(t)) })
}

// words are what random keys are made of: what sorts, folds, escapes or
// delimits in one way or another, from every plane of Unicode.
var words = []string{
	"a", "b", "/", "/", "//", "-", "%2F", "+", " ", "abc", ".", "..", "A", "\x00", "\x01", "\x02", "\n", "\x1f", "\x7f", "\u0080",
	"é", "e\u0301", "\u07ff", "\u0800", "ｱ", "\ufffd", "\uffff", "\U00010000", "\U0001F600", "\U0002A6D6", "\U00030000", "\U000E0001", "\U000F0000", "\U0010FFFF",
	"\xff",
}

// randomWord is a string of less than n words, of the first few more often.
func randomWord(r *rand.Rand, n int) string {
	var b strings.Builder
	for range r.IntN(n) {
		b.WriteString(words[r.IntN(1+r.IntN(len(words)))])
	}
	return b.String()
}

// randomKeys are keys in order, some of which share their beginnings.
func randomKeys(r *rand.Rand) []string {
	set := map[string]bool{}
	for range 1 + r.IntN(50) {
		k := randomWord(r, 7)
		for range r.IntN(4) {
			set[k+randomWord(r, 3)] = true
		}
		set[k] = true
	}
	if r.IntN(3) == 0 { // many under one prefix
		for i := range 50 {
			set[fmt.Sprintf("b/%03d", i)] = true
		}
	}
	delete(set, "")
	keys := []string{"key"}
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// question is a random listing of these keys.
func question(r *rand.Rand, keys []string) (prefix, delimiter string, limits []int) {
	prefix, delimiter = randomWord(r, 3), randomWord(r, 3)
	switch r.IntN(4) {
	case 0:
		k := keys[r.IntN(len(keys))]
		prefix = k[:r.IntN(len(k)+1)]
	case 1:
		k := keys[r.IntN(len(keys))]
		from := r.IntN(len(k))
		delimiter = k[from : from+1+r.IntN(len(k)-from)]
	case 2:
		delimiter = "/"
	}
	for n := 1; n <= min(len(keys), 7); n++ {
		limits = append(limits, n)
	}
	return prefix, delimiter, append(limits, 1+r.IntN(len(keys)), len(keys), len(keys)+1)
}

// TestListingModel compares listings of random buckets, in pages of every
// size, with a sorted slice.
func TestListingModel(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		r := rand.New(rand.NewPCG(1, 2))
		for round := range 15 {
			b, keys := w.bucketNamed(fmt.Sprint("bucket-", round)), randomKeys(r)
			for _, k := range keys {
				w.put(b, k, "x")
			}
			for range 10 {
				prefix, delimiter, limits := question(r, keys)
				want, _ := modelPage(keys, prefix, delimiter, "", len(keys))
				for _, limit := range limits {
					var paged []string
					for after := ""; ; {
						items, next := modelPage(keys, prefix, delimiter, after, limit)
						paged = append(paged, items...)
						if after = next; after == "" {
							break
						}
					}
					if !slices.Equal(paged, want) {
						t.Fatalf("the model lists %q in pages of %d as %q", want, limit, paged)
					}
					for _, v2 := range []bool{false, true} {
						if got := w.pages(b, prefix, delimiter, int32(limit), v2); !slices.Equal(got, want) {
							t.Fatalf("keys %q, prefix %q, delimiter %q, limit %d, v2 %v:\n got %q\nwant %q", keys, prefix, delimiter, limit, v2, got, want)
						}
					}
				}
				// Anything may be a marker, whether there is such a key or not.
				for _, marker := range []string{randomWord(r, 5), keys[r.IntN(len(keys))]} {
					want, _ := modelPage(keys, prefix, delimiter, marker, 1000)
					out, err := w.listObjects(w.ctx(), &s3.ListObjectsInput{Bucket: b, Prefix: prefix, Delimiter: delimiter, Marker: marker})
					if err != nil {
						t.Fatal(err)
					}
					if got := shown(out.Contents, out.CommonPrefixes); !slices.Equal(got, want) {
						t.Fatalf("keys %q, prefix %q, delimiter %q, marker %q:\n got %q\nwant %q", keys, prefix, delimiter, marker, got, want)
					}
				}
			}
		}
	})
}

// shown are the keys and prefixes of a page, in order.
func shown(contents []*s3.Object, groups []*s3.CommonPrefix) (all []string) {
	for _, o := range contents {
		all = append(all, o.Key)
	}
	for _, g := range groups {
		all = append(all, g.Prefix)
	}
	slices.Sort(all)
	return all
}

// TestListingUploadsModel does the same for uploads, of which a key may have several.
func TestListingUploadsModel(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		r := rand.New(rand.NewPCG(3, 4))
		for round := range 6 {
			b, keys := w.bucketNamed(fmt.Sprint("bucket-", round)), randomKeys(r)
			ids := map[string][]string{} // of a key's uploads, in the order they began
			for _, k := range keys {
				for range 1 + r.IntN(3) {
					w.clock.Advance(1)
					ids[k] = append(ids[k], w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: k}))
				}
			}
			for range 8 {
				prefix, delimiter, limits := question(r, keys)
				var want []string
				items, _ := modelPage(keys, prefix, delimiter, "", len(keys))
				for _, item := range items {
					if delimiter != "" && strings.Contains(item[len(prefix):], delimiter) {
						want = append(want, item)
						continue
					}
					for _, id := range ids[item] {
						want = append(want, item+" "+id)
					}
				}
				for _, limit := range limits {
					if got := w.uploadPages(b, prefix, delimiter, int32(limit)); !slices.Equal(got, want) {
						t.Fatalf("keys %q, prefix %q, delimiter %q, limit %d:\n got %q\nwant %q", keys, prefix, delimiter, limit, got, want)
					}
				}
			}
		}
	})
}

// uploadPages reads a whole listing of uploads, page by page: keys with their ids, and groups.
func (w *world) uploadPages(bucket, prefix, delimiter string, limit int32) (all []string) {
	w.t.Helper()
	in := &s3.ListMultipartUploadsInput{Bucket: bucket, Prefix: prefix, Delimiter: delimiter, MaxUploads: &limit}
	for {
		out, err := w.listMultipartUploads(w.ctx(), in)
		if err != nil {
			w.t.Fatal(err)
		}
		// Uploads and groups come apart; their order is that of their keys.
		groups := out.CommonPrefixes
		for _, u := range out.Uploads {
			for len(groups) > 0 && groups[0].Prefix < u.Key {
				all, groups = append(all, groups[0].Prefix), groups[1:]
			}
			all = append(all, u.Key+" "+u.UploadId)
		}
		for _, g := range groups {
			all = append(all, g.Prefix)
		}
		n := len(out.Uploads) + len(out.CommonPrefixes)
		if !*out.IsTruncated {
			return all
		}
		if n != int(limit) || *out.NextKeyMarker == "" {
			w.t.Fatalf("a truncated page of %d, limit %d, next key marker %q", n, limit, *out.NextKeyMarker)
		}
		in.KeyMarker, in.UploadIdMarker = *out.NextKeyMarker, *out.NextUploadIdMarker
	}
}
