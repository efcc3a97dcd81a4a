package s3

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
)

// modelVersion is a version as the naive model of a bucket keeps it.
type modelVersion struct {
	id, content, tag string
	marker           bool
}

// model is a bucket: the versions of each key, the newest first.
type model struct {
	state versioning
	keys  map[string][]modelVersion
}

// add makes a version. In a bucket that does not make new ones it takes the
// place of the null version.
func (m *model) add(key string, v modelVersion) {
	if m.state != enabled {
		v.id = nullVersion
		m.remove(key, nullVersion)
	}
	m.keys[key] = append([]modelVersion{v}, m.keys[key]...)
}

func (m *model) remove(key, id string) (was modelVersion, ok bool) {
	i := slices.IndexFunc(m.keys[key], func(v modelVersion) bool { return v.id == id })
	if i < 0 {
		return modelVersion{}, false
	}
	was = m.keys[key][i]
	if m.keys[key] = slices.Delete(slices.Clone(m.keys[key]), i, i+1); len(m.keys[key]) == 0 {
		delete(m.keys, key)
	}
	return was, true
}

func (m *model) current(key string) (modelVersion, bool) {
	if len(m.keys[key]) == 0 || m.keys[key][0].marker {
		return modelVersion{}, false
	}
	return m.keys[key][0], true
}

// TestVersionsAgainstModel compares random operations on buckets in every state of
// versioning with what the model makes of them, and every way of paging through
// the result.
func TestVersionsAgainstModel(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			w := newWorld(t)
			b := w.bucketNamed("abc")
			m := &model{keys: map[string][]modelVersion{}}
			for n := range 120 {
				w.step(r, b, m, n)
				if n%6 == 0 {
					w.compareVersions(r, b, m)
				}
			}
			w.compareVersions(r, b, m)
			for key, versions := range m.keys {
				for _, v := range versions {
					must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: key, VersionId: v.id}))
				}
			}
			w.wantLeft("")
			must(t)(w.deleteBucket(w.ctx(), &s3.DeleteBucketInput{Bucket: b}))
		})
	}
}

var modelKeys = []string{"a", "a/", "a/b", "a/b/c", "a/c", "b", "é", "z z"}

// step does one operation in the world and in the model.
func (w *world) step(r *rand.Rand, b string, m *model, n int) {
	t, ctx := w.t, w.ctx()
	key := modelKeys[r.IntN(len(modelKeys))]
	content := fmt.Sprint("content ", n, strings.Repeat(".", []int{0, 5000, 80_000}[r.IntN(3)]))
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("step %d: %s of %q answers %q, want %q", n, what, key, got, want)
		}
	}
	switch op := r.IntN(20); {
	case op == 0:
		m.state = []versioning{enabled, enabled, suspended}[r.IntN(3)]
		w.version(b, m.state)
	case op < 8:
		out := w.put(b, key, content)
		if m.state != enabled {
			check("PutObject", out.VersionId, "")
		}
		m.add(key, modelVersion{id: out.VersionId, content: content})
	case op < 11:
		out, err := w.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: key})
		must(t)(nil, err)
		if m.state == unversioned {
			m.remove(key, nullVersion)
			check("DeleteObject", out.VersionId, "")
			return
		}
		m.add(key, modelVersion{id: out.VersionId, marker: true})
		check("DeleteObject", fmt.Sprint(m.keys[key][0].id, *out.DeleteMarker), fmt.Sprint(out.VersionId, true))
	case op < 16:
		id := nullVersion
		if versions := m.keys[key]; len(versions) > 0 {
			id = versions[r.IntN(len(versions))].id
		}
		was, _ := m.remove(key, id)
		if r.IntN(2) == 0 {
			out, err := w.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: key, VersionId: id})
			must(t)(nil, err)
			check("DeleteObject of a version", fmt.Sprint(out.VersionId, out.DeleteMarker != nil), fmt.Sprint(id, was.marker))
			return
		}
		out, err := w.deleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &s3.Delete{Objects: []*s3.ObjectIdentifier{{Key: key, VersionId: id}}}})
		must(t)(nil, err)
		check("DeleteObjects of a version", fmt.Sprint(out.Deleted[0].VersionId, out.Deleted[0].DeleteMarker != nil), fmt.Sprint(id, was.marker))
	case op < 18:
		from := modelKeys[r.IntN(len(modelKeys))]
		for _, v := range m.keys[from] {
			if v.marker || v.id == nullVersion && m.state == unversioned && from == key {
				continue
			}
			out, err := w.copyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: key, CopySource: b + "/" + from + "?versionId=" + v.id})
			must(t)(nil, err)
			m.add(key, modelVersion{id: out.VersionId, content: v.content, tag: v.tag})
			return
		}
	case op < 19:
		if versions := m.keys[key]; len(versions) > 0 {
			v := &versions[r.IntN(len(versions))]
			tag := fmt.Sprint(n)
			out, err := w.putObjectTagging(ctx, &s3.PutObjectTaggingInput{
				Bucket: b, Key: key, VersionId: v.id, Tagging: &s3.Tagging{TagSet: []*s3.Tag{{Key: "n", Value: tag}}},
			})
			if v.marker {
				refused(t, err, "MethodNotAllowed", 405, "Method", "PUT", "ResourceType", "DeleteMarker")
				return
			}
			must(t)(nil, err)
			if m.state != unversioned {
				check("PutObjectTagging", out.VersionId, v.id)
			}
			v.tag = tag
		}
	default:
		id := w.uploadOf(b, key, content)
		m.add(key, modelVersion{id: id, content: content})
	}
}

// version sets the state of a bucket's versioning.
func (w *world) version(bucket string, state versioning) {
	w.t.Helper()
	must(w.t)(w.putBucketVersioning(w.ctx(), &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &s3.VersioningConfiguration{
		Status: map[versioning]s3.BucketVersioningStatus{enabled: s3.BucketVersioningStatusEnabled, suspended: s3.BucketVersioningStatusSuspended}[state],
	}}))
}

// uploadOf makes an object by a multipart upload of one part, and returns its version.
func (w *world) uploadOf(bucket, key, content string) string {
	w.t.Helper()
	up, err := w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	must(w.t)(nil, err)
	p, err := w.uploadPart(w.ctx(), partInput(bucket, key, up.UploadId, 1, content))
	must(w.t)(nil, err)
	out, err := w.complete(bucket, key, up.UploadId, &s3.CompletedPart{PartNumber: new(int32(1)), ETag: p.ETag})
	must(w.t)(nil, err)
	return out.VersionId
}

// compareVersions reads all versions, and lists them with pages of every size.
func (w *world) compareVersions(r *rand.Rand, b string, m *model) {
	w.t.Helper()
	t, ctx := w.t, w.ctx()
	for _, key := range modelKeys {
		out, err := w.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: key})
		if v, ok := m.current(key); ok {
			must(t)(nil, err)
			if got := readAll(t, out.Body); got != v.content || m.state != unversioned && out.VersionId != v.id {
				t.Fatalf("%q is %.20q of version %q, want %.20q of %q", key, got, out.VersionId, v.content, v.id)
			}
		} else {
			e := refused(t, err, "NoSuchKey", 404)
			if marked := e.Header["x-amz-delete-marker"] == "true"; marked != (len(m.keys[key]) > 0) {
				t.Fatalf("%q has headers %v, and versions %v", key, e.Header, m.keys[key])
			}
		}
		for _, v := range m.keys[key] {
			out, err := w.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: key, VersionId: v.id})
			if v.marker {
				e := refused(t, err, "MethodNotAllowed", 405, "Method", "GET")
				if e.Header["x-amz-version-id"] != v.id || e.Header["Allow"] != "DELETE" {
					t.Fatalf("the delete marker %q of %q has headers %v", v.id, key, e.Header)
				}
				continue
			}
			must(t)(nil, err)
			if got := readAll(t, out.Body); got != v.content || (out.TagCount != nil) != (v.tag != "") {
				t.Fatalf("version %q of %q is %.20q with tags %v, want %.20q with %q", v.id, key, got, out.TagCount, v.content, v.tag)
			}
		}
	}
	for _, l := range []struct{ prefix, delimiter string }{{"", ""}, {"", "/"}, {"a/", "/"}, {"a", "b"}, {"é", ""}, {"none", ""}} {
		want := m.listing(l.prefix, l.delimiter)
		for _, size := range []int32{1, 2, 3, int32(1 + r.IntN(20)), 1000} {
			if err := w.listVersions(b, l.prefix, l.delimiter, size, want); err != nil {
				t.Fatalf("prefix %q, delimiter %q, pages of %d: %v", l.prefix, l.delimiter, size, err)
			}
		}
	}
}

// listing is what a listing shows: "key id latest marker", or a common prefix.
func (m *model) listing(prefix, delimiter string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(m.keys)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if i := strings.Index(key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			if group := key[:len(prefix)+i+len(delimiter)]; len(out) == 0 || out[len(out)-1] != group {
				out = append(out, group)
			}
			continue
		}
		for i, v := range m.keys[key] {
			out = append(out, fmt.Sprint(key, " ", v.id, " ", i == 0, " ", v.marker))
		}
	}
	return out
}

// listVersions pages through the versions of a bucket. An answer has versions
// and delete markers in one order, and prefixes apart; together each page is the
// next part of want.
func (w *world) listVersions(b, prefix, delimiter string, size int32, want []string) error {
	in := &s3.ListObjectVersionsInput{Bucket: b, Prefix: prefix, Delimiter: delimiter, MaxKeys: &size}
	for {
		out, err := w.listObjectVersions(w.ctx(), in)
		if err != nil {
			return err
		}
		var page []string
		for _, g := range out.CommonPrefixes {
			page = append(page, g.Prefix)
		}
		for i, v := range out.Versions {
			if v != nil {
				page = append(page, fmt.Sprint(v.Key, " ", v.VersionId, " ", *v.IsLatest, " ", false))
			} else {
				m := out.DeleteMarkers[i]
				page = append(page, fmt.Sprint(m.Key, " ", m.VersionId, " ", *m.IsLatest, " ", true))
			}
		}
		next := slices.Clone(want[:min(int(size), len(want))])
		want = want[len(next):]
		isPrefix := func(s string) bool { return !strings.HasSuffix(s, " true") && !strings.HasSuffix(s, " false") }
		next = append(slices.DeleteFunc(slices.Clone(next), func(s string) bool { return !isPrefix(s) }), slices.DeleteFunc(next, isPrefix)...)
		if !slices.Equal(page, next) || *out.IsTruncated != (len(want) > 0) {
			return fmt.Errorf("after %q %q come\n%v (more: %v), want\n%v and %d more", in.KeyMarker, in.VersionIdMarker, page, *out.IsTruncated, next, len(want))
		}
		if !*out.IsTruncated {
			return nil
		}
		in.KeyMarker, in.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
	}
}
