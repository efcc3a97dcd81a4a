package s3

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
)

func itoa(n int) string { return strconv.Itoa(n) }

func partInput(bucket, key, upload string, number int32, content string) *s3.UploadPartInput {
	return &s3.UploadPartInput{
		Bucket: bucket, Key: key, UploadId: upload, PartNumber: &number, Body: bodyOf(content), ContentLength: new(int64(len(content))),
	}
}

// begin begins an upload.
func (w *world) begin(in *s3.CreateMultipartUploadInput) string {
	w.t.Helper()
	out, err := w.createMultipartUpload(w.ctx(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.UploadId
}

// part uploads a part and returns it as a completion lists it.
func (w *world) part(bucket, key, upload string, number int32, content string) *s3.CompletedPart {
	w.t.Helper()
	out, err := w.uploadPart(w.ctx(), partInput(bucket, key, upload, number, content))
	if err != nil {
		w.t.Fatal(err)
	}
	return &s3.CompletedPart{PartNumber: &number, ETag: out.ETag}
}

func (w *world) complete(bucket, key, upload string, parts ...*s3.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
	return w.completeMultipartUpload(w.ctx(), &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: upload, MultipartUpload: &s3.CompletedMultipartUpload{Parts: parts},
	})
}

func multipartETag(parts ...string) string {
	all := md5.New()
	for _, p := range parts {
		sum := md5.Sum([]byte(p))
		all.Write(sum[:])
	}
	return fmt.Sprintf(`"%x-%d"`, all.Sum(nil), len(parts))
}

func TestMultipartUpload(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	first, second, third := random(5<<20), random(6 << 20)[1<<20:], "the last part"
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "a key/é", ContentType: "image/jpeg", Metadata: map[string]string{"m": "v"}, Tagging: "a=1"})
	w.part(b, "a key/é", id, 7, third)
	w.part(b, "a key/é", id, 1, "first attempt")
	p1 := w.part(b, "a key/é", id, 1, first) // the last upload of a number counts
	p3 := w.part(b, "a key/é", id, 3, second)
	w.part(b, "a key/é", id, 5, "not listed")
	p7 := w.part(b, "a key/é", id, 7, third)
	_, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "a key/é"})
	refused(t, err, "NoSuchKey", 404)

	out, err := w.complete(b, "a key/é", id, p1, p3, p7)
	if err != nil {
		t.Fatal(err)
	}
	if want := multipartETag(first, second, third); out.ETag != want || out.Location != "http://localhost:4566/abc/a%20key%2F%C3%A9" || out.ChecksumType != "FULL_OBJECT" {
		t.Errorf("%+v, want ETag %s", out, want)
	}
	if got := w.get(b, "a key/é"); got != first+second+third {
		t.Errorf("%d bytes came back", len(got))
	}
	w.wantLeft("objects:1")
	// A client that missed the answer gets it again.
	again, err := w.complete(b, "a key/é", id, p1, p3, p7)
	if err != nil || again.ETag != out.ETag {
		t.Errorf("%+v, %v", again, err)
	}
	_, err = w.complete(b, "a key/é", id, p1)
	refused(t, err, "NoSuchUpload", 404)

	for n, want := range []string{first, second, third} {
		got, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "a key/é", PartNumber: new(int32(n + 1))})
		if err != nil {
			t.Fatal(err)
		}
		if readAll(t, got.Body) != want || *got.PartsCount != 3 || got.ContentRange == "" || got.ContentType != "image/jpeg" || got.Metadata["m"] != "v" || *got.TagCount != 1 {
			t.Errorf("part %d: %+v", n+1, got)
		}
	}
	_, err = w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "a key/é", PartNumber: new(int32(4))})
	refused(t, err, "InvalidPartNumber", 416, "ActualPartCount", "3")
	// A range over the border of parts.
	span, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "a key/é", Range: "bytes=5242878-5242881"})
	if err != nil || readAll(t, span.Body) != first[len(first)-2:]+second[:2] {
		t.Error("range over the border of two parts")
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "a key/é"}))
	w.wantLeft("")
}

func TestCompleteIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
	small, last := w.part(b, "k", id, 1, "small"), w.part(b, "k", id, 2, "last")
	for name, c := range map[string]struct {
		parts  []*s3.CompletedPart
		code   string
		detail []string
	}{
		"no parts":    {nil, "MalformedXML", nil},
		"no number":   {[]*s3.CompletedPart{{ETag: small.ETag}}, "MalformedXML", nil},
		"order":       {[]*s3.CompletedPart{last, small}, "InvalidPartOrder", []string{"UploadId", id}},
		"twice":       {[]*s3.CompletedPart{small, small}, "InvalidPartOrder", nil},
		"missing":     {[]*s3.CompletedPart{{PartNumber: new(int32(3)), ETag: small.ETag}}, "InvalidPart", []string{"PartNumber", "3"}},
		"other etag":  {[]*s3.CompletedPart{{PartNumber: new(int32(1)), ETag: last.ETag}}, "InvalidPart", []string{"PartNumber", "1", "ETag", last.ETag}},
		"small":       {[]*s3.CompletedPart{small, last}, "EntityTooSmall", []string{"ProposedSize", "5", "MinSizeAllowed", "5242880", "PartNumber", "1"}},
		"number zero": {[]*s3.CompletedPart{{PartNumber: new(int32(0)), ETag: "x"}}, "InvalidArgument", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.complete(b, "k", id, c.parts...)
			refused(t, err, c.code, 400, c.detail...)
		})
	}
	in := &s3.CompleteMultipartUploadInput{Bucket: b, Key: "k", UploadId: id, MultipartUpload: &s3.CompletedMultipartUpload{Parts: []*s3.CompletedPart{last}}, MpuObjectSize: new(int64(5))}
	_, err := w.completeMultipartUpload(w.ctx(), in)
	refused(t, err, "InvalidRequest", 400)
	in.MpuObjectSize = new(int64(4))
	must(t)(w.completeMultipartUpload(w.ctx(), in))

	_, err = w.complete(b, "k", "unknown", small)
	refused(t, err, "NoSuchUpload", 404, "UploadId", "unknown")
	_, err = w.uploadPart(w.ctx(), partInput(b, "k", id, 1, "late"))
	refused(t, err, "NoSuchUpload", 404)
	_, err = w.uploadPart(w.ctx(), partInput(b, "k", id, 10001, "x"))
	refused(t, err, "InvalidArgument", 400, "ArgumentName", "partNumber", "ArgumentValue", "10001")
	w.wantLeft("objects:1")
}

func TestAbort(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
	for n := range int32(sweepPiece + 10) { // more than one transaction removes
		w.part(b, "k", id, n+1, "x")
	}
	must(t)(w.abortMultipartUpload(w.ctx(), &s3.AbortMultipartUploadInput{Bucket: b, Key: "k", UploadId: id}))
	w.wantLeft("")
	_, err := w.abortMultipartUpload(w.ctx(), &s3.AbortMultipartUploadInput{Bucket: b, Key: "k", UploadId: id})
	refused(t, err, "NoSuchUpload", 404, "UploadId", id)
}

func TestListParts(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
	for _, n := range []int32{9, 2, 300, 1} {
		w.part(b, "k", id, n, "part "+itoa(int(n)))
	}
	page := func(marker, limit int32) string {
		out, err := w.listParts(w.ctx(), &s3.ListPartsInput{Bucket: b, Key: "k", UploadId: id, MaxParts: &limit, PartNumberMarker: &marker})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range out.Parts {
			got = append(got, itoa(int(*p.PartNumber)))
			if p.ETag != quoted(hexMD5("part "+itoa(int(*p.PartNumber)))) {
				t.Errorf("ETag of part %d", *p.PartNumber)
			}
		}
		return fmt.Sprint(strings.Join(got, " "), *out.IsTruncated, " ", *out.NextPartNumberMarker)
	}
	for _, c := range []struct {
		marker, limit int32
		want          string
	}{{0, 1000, "1 2 9 300false 300"}, {0, 2, "1 2true 2"}, {2, 2, "9 300false 300"}, {300, 2, "false 0"}, {0, 0, "false 0"}} {
		if got := page(c.marker, c.limit); got != c.want {
			t.Errorf("marker %d, limit %d: %q, want %q", c.marker, c.limit, got, c.want)
		}
	}
}

func TestListMultipartUploads(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	ids := map[string]string{}
	for _, name := range []string{"b", "a", "d/1", "b2", "d/2", "c"} {
		ids[name] = w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: name})
		w.clock.Advance(1e6)
	}
	second := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "b"})
	out, err := w.listMultipartUploads(w.ctx(), &s3.ListMultipartUploadsInput{Bucket: b, Delimiter: "/", MaxUploads: new(int32(3))})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range out.Uploads {
		got = append(got, u.Key)
	}
	// Uploads of one key are in the order in which they began.
	if strings.Join(got, " ") != "a b b" || out.Uploads[1].UploadId != ids["b"] || out.Uploads[2].UploadId != second ||
		!*out.IsTruncated || *out.NextKeyMarker != "b" || *out.NextUploadIdMarker != second {
		t.Fatalf("%v %+v", got, out)
	}
	out, err = w.listMultipartUploads(w.ctx(), &s3.ListMultipartUploadsInput{Bucket: b, Delimiter: "/", KeyMarker: "b", UploadIdMarker: ids["b"]})
	if err != nil || len(out.Uploads) != 3 || out.Uploads[0].UploadId != second || len(out.CommonPrefixes) != 1 || out.CommonPrefixes[0].Prefix != "d/" || *out.IsTruncated {
		t.Fatalf("%+v, %v", out, err)
	}
	out, err = w.listMultipartUploads(w.ctx(), &s3.ListMultipartUploadsInput{Bucket: b, KeyMarker: "b", Prefix: "b"})
	if err != nil || len(out.Uploads) != 1 || out.Uploads[0].Key != "b2" {
		t.Fatalf("%+v, %v", out, err)
	}
	// The next markers are the last upload's even when nothing follows, and empty where there is none.
	if *out.IsTruncated || *out.NextKeyMarker != "b2" || *out.NextUploadIdMarker != ids["b2"] {
		t.Errorf("%+v", out)
	}
	out, err = w.listMultipartUploads(w.ctx(), &s3.ListMultipartUploadsInput{Bucket: b, KeyMarker: "d/2", UploadIdMarker: ids["d/2"]})
	if err != nil || len(out.Uploads) != 0 || *out.NextKeyMarker != "" || *out.NextUploadIdMarker != "" {
		t.Errorf("%+v, %v", out, err)
	}
	// An id without a key is ignored; one of another key is no marker.
	out, err = w.listMultipartUploads(w.ctx(), &s3.ListMultipartUploadsInput{Bucket: b, UploadIdMarker: ids["b"], MaxUploads: new(int32(1))})
	if err != nil || len(out.Uploads) != 1 || out.Uploads[0].Key != "a" {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = w.listMultipartUploads(w.ctx(), &s3.ListMultipartUploadsInput{Bucket: b, KeyMarker: "b", UploadIdMarker: ids["a"]})
	e := refused(t, err, "InvalidArgument", 400, "ArgumentName", "upload-id-marker", "ArgumentValue", ids["a"])
	if e.Message != "Invalid uploadId marker" {
		t.Error(e.Message)
	}
}

func TestMultipartChecksums(t *testing.T) {
	one, two := random(5<<20), "rest"
	for _, c := range []struct {
		algorithm s3.ChecksumAlgorithm
		kind      s3.ChecksumType
		want      s3.ChecksumType
		code      string
	}{
		{"", "", "FULL_OBJECT", ""},
		{"CRC64NVME", "", "FULL_OBJECT", ""},
		{"CRC32", "", "COMPOSITE", ""},
		{"CRC32", "FULL_OBJECT", "FULL_OBJECT", ""},
		{"CRC32C", "FULL_OBJECT", "FULL_OBJECT", ""},
		{"SHA1", "", "COMPOSITE", ""},
		{"SHA256", "COMPOSITE", "COMPOSITE", ""},
		{"SHA256", "FULL_OBJECT", "", "InvalidRequest"},
		{"SHA512", "", "COMPOSITE", ""},
		{"MD5", "", "COMPOSITE", ""},
		{"XXHASH64", "", "COMPOSITE", ""},
		{"XXHASH3", "", "COMPOSITE", ""},
		{"XXHASH128", "", "COMPOSITE", ""},
		{"XXHASH3", "FULL_OBJECT", "", "InvalidRequest"},
		{"CRC64NVME", "COMPOSITE", "", "InvalidRequest"},
		{"", "FULL_OBJECT", "", "InvalidRequest"},
		{"ROT13", "", "", "InvalidRequest"},
	} {
		t.Run(string(c.algorithm+" ")+string(c.kind), func(t *testing.T) {
			w := newWorld(t)
			b := w.bucketNamed("abc")
			begun, err := w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{Bucket: b, Key: "k", ChecksumAlgorithm: c.algorithm, ChecksumType: c.kind})
			if c.code != "" {
				refused(t, err, c.code, 400)
				return
			}
			if err != nil || begun.ChecksumAlgorithm != c.algorithm {
				t.Fatalf("%+v, %v", begun, err)
			}
			a := crc64nvmeSum
			if c.algorithm != "" {
				a, _ = parseAlgorithm(c.algorithm)
			}
			var parts []*s3.CompletedPart
			var raw []byte
			for i, content := range []string{one, two} {
				p := w.part(b, "k", begun.UploadId, int32(i+1), content)
				sum := sumOf(a, content)
				if c.algorithm != "" {
					completedPartSums(p).set(checksum{Algorithm: a, Value: sum})
				}
				decoded, _ := base64.StdEncoding.DecodeString(sum)
				raw = append(raw, decoded...)
				parts = append(parts, p)
			}
			want := sumOf(a, one+two)
			if c.want == "COMPOSITE" {
				want = sumOf(a, string(raw)) + "-2"
				// Every part must be listed with its checksum.
				_, err := w.complete(b, "k", begun.UploadId, &s3.CompletedPart{PartNumber: new(int32(1)), ETag: parts[0].ETag})
				refused(t, err, "InvalidRequest", 400)
			}
			if c.algorithm != "" {
				wrong := *parts[0]
				completedPartSums(&wrong).set(checksum{Algorithm: a, Value: sumOf(a, "wrong")})
				_, err := w.complete(b, "k", begun.UploadId, &wrong, parts[1])
				refused(t, err, "InvalidPart", 400)
				in := &s3.CompleteMultipartUploadInput{Bucket: b, Key: "k", UploadId: begun.UploadId, MultipartUpload: &s3.CompletedMultipartUpload{Parts: parts}}
				completeInputSums(in).set(checksum{Algorithm: a, Value: sumOf(a, "wrong")})
				_, err = w.completeMultipartUpload(w.ctx(), in)
				refused(t, err, "BadDigest", 400)
			}
			out, err := w.complete(b, "k", begun.UploadId, parts...)
			if err != nil {
				t.Fatal(err)
			}
			if got := *completeSums(out)[a]; got != want || out.ChecksumType != c.want {
				t.Errorf("checksum %s %s, want %s %s", got, out.ChecksumType, want, c.want)
			}
			head, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k", ChecksumMode: s3.ChecksumModeEnabled})
			if err != nil || *headSums(head)[a] != want || head.ChecksumType != c.want {
				t.Errorf("%+v, %v", head, err)
			}
			attributes, err := w.getObjectAttributes(w.ctx(), &s3.GetObjectAttributesInput{Bucket: b, Key: "k", ObjectAttributes: []s3.ObjectAttributes{"ETag", "Checksum", "ObjectParts", "ObjectSize", "StorageClass"}})
			if err != nil || *attributes.ObjectParts.TotalPartsCount != 2 || quoted(attributes.ETag) != out.ETag ||
				*attributeSums(attributes.Checksum)[a] != strings.TrimSuffix(want, "-2") || *attributes.ObjectSize != int64(len(one+two)) {
				t.Errorf("%+v, %v", attributes, err)
			}
		})
	}
}

func TestPartChecksumMismatch(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k", ChecksumAlgorithm: "SHA256"})
	in := partInput(b, "k", id, 1, "x")
	in.ChecksumCRC32 = sumOf(crc32Sum, "x")
	_, err := w.uploadPart(w.ctx(), in)
	refused(t, err, "InvalidRequest", 400)
	in = partInput(b, "k", id, 1, "x")
	in.ChecksumSHA256 = sumOf(sha256Sum, "y")
	_, err = w.uploadPart(w.ctx(), in)
	refused(t, err, "BadDigest", 400)
	w.wantLeft("uploads:1")

	// Without an algorithm of its own an upload takes parts with any.
	id = w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "free"})
	in = partInput(b, "free", id, 1, "x")
	in.ChecksumCRC32 = sumOf(crc32Sum, "x")
	out, err := w.uploadPart(w.ctx(), in)
	if err != nil || out.ChecksumCRC32 != in.ChecksumCRC32 || out.ChecksumCRC64NVME != "" {
		t.Errorf("%+v, %v", out, err)
	}
}
