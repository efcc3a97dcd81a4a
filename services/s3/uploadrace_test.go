package s3

import (
	"crypto/md5"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// uploadRace is an upload, in a world of its own, and what may be done with it.
// Contents are of a size that is a file.
type uploadRace struct {
	*world
	dir, upload string
}

func content(letter string) string { return strings.Repeat(letter, 2*storage.MaxInline) }

func tagOf(content string) string { return fmt.Sprintf(`"%x"`, md5.Sum([]byte(content))) }

func newUploadRace(t *testing.T) *uploadRace {
	r := &uploadRace{world: newWorld(t), dir: t.TempDir()}
	r.db, r.blobs = storagetest.OpenURL(t, "badger:"+r.dir, storage.Options{})
	r.env.DB, r.env.Blobs = r.db, r.blobs
	r.bucketNamed("abc")
	return r
}

// begins begins an upload with a first part, and removes what a round before left.
func (r *uploadRace) begins() {
	r.t.Helper()
	must(r.t)(r.deleteObject(r.ctx(), &s3.DeleteObjectInput{Bucket: "abc", Key: "k"}))
	if r.upload != "" && r.parts() != nil {
		must(r.t)(nil, r.aborts())
	}
	r.wantFiles(0)
	r.upload = r.begin(&s3.CreateMultipartUploadInput{Bucket: "abc", Key: "k"})
	r.part("abc", "k", r.upload, 1, content("a"))
}

// sends uploads a part, the first or another.
func (r *uploadRace) sends(number int32, letter string) func() error {
	return func() error {
		_, err := r.uploadPart(r.ctx(), partInput("abc", "k", r.upload, number, content(letter)))
		return err
	}
}

// completes completes the upload with a first part.
func (r *uploadRace) completes(letter string) func() error {
	return func() error {
		_, err := r.complete("abc", "k", r.upload, &s3.CompletedPart{PartNumber: new(int32(1)), ETag: tagOf(content(letter))})
		return err
	}
}

func (r *uploadRace) aborts() error {
	_, err := r.abortMultipartUpload(r.ctx(), &s3.AbortMultipartUploadInput{Bucket: "abc", Key: "k", UploadId: r.upload})
	return err
}

// object is the letter that the object is made of, or "" when there is none.
func (r *uploadRace) object() string {
	r.t.Helper()
	out, err := r.GetObject(r.ctx(), &s3.GetObjectInput{Bucket: "abc", Key: "k"})
	if err != nil {
		refused(r.t, err, "NoSuchKey", 404)
		return ""
	}
	defer func() { _ = out.Body.Close() }() // it was only read
	body, err := io.ReadAll(out.Body)
	text := string(body)
	if err != nil || text == "" || text != content(text[:1]) {
		r.t.Fatalf("an object of %d bytes, mixed: %v", len(text), err)
	}
	return text[:1]
}

// parts are the upload's parts by number, as letters; nil when it has ended.
func (r *uploadRace) parts() map[int32]string {
	r.t.Helper()
	out, err := r.listParts(r.ctx(), &s3.ListPartsInput{Bucket: "abc", Key: "k", UploadId: r.upload})
	if err != nil {
		refused(r.t, err, "NoSuchUpload", 404)
		return nil
	}
	got := map[int32]string{}
	for _, p := range out.Parts {
		for c := 'a'; c <= 'z'; c++ {
			if p.ETag == tagOf(content(string(c))) {
				got[*p.PartNumber] = string(c)
			}
		}
	}
	return got
}

// wantFiles says how many blobs there are, and records of what has ended: none.
func (r *uploadRace) wantFiles(want int) {
	r.t.Helper()
	must(r.t)(nil, r.sweepAll(r.t.Context()))
	files, err := filepath.Glob(filepath.Join(r.dir, "blobs", "*", "*"))
	if err != nil || len(files) != want {
		r.t.Errorf("%d blobs, want %d: %v %v", len(files), want, files, err)
	}
	if left := r.left(); left["ended"] != 0 || left["parts"] != 0 && r.parts() == nil {
		r.t.Errorf("records of an upload that has ended: %v", left)
	}
}

const rounds = 20

// Whoever sends a part last has sent it: of many that send the same one, one
// is kept, and the bytes of the others are gone.
func TestSamePartRace(t *testing.T) {
	t.Parallel()
	r := newUploadRace(t)
	r.begins()
	for range rounds {
		got := outcomes(t, r.sends(1, "b"), r.sends(1, "c"), r.sends(1, "d"), r.sends(1, "e"), r.sends(2, "f"))
		if got["won"] != 5 {
			t.Fatal(got)
		}
		if parts := r.parts(); len(parts) != 2 || !strings.Contains("bcde", parts[1]) || parts[1] == "" || parts[2] != "f" {
			t.Fatalf("parts %v", parts)
		}
		r.wantFiles(2)
	}
	must(t)(nil, r.aborts())
	r.wantFiles(0)
}

// A completion takes the part that it names, or is refused: never one that was
// sent after it looked.
func TestCompleteAgainstPartRace(t *testing.T) {
	t.Parallel()
	r := newUploadRace(t)
	for range rounds {
		r.begins()
		got := outcomes(t, r.completes("a"), r.sends(1, "b"), r.sends(2, "c"))
		switch object := r.object(); {
		case object == "a": // it came first, or between
			if r.parts() != nil || got["won"]+got["NoSuchUpload"] != 3 {
				t.Fatalf("completed: %v, parts %v", got, r.parts())
			}
			r.wantFiles(1)
		case object == "" && got["InvalidPart"] == 1 && got["won"] == 2:
			if parts := r.parts(); parts[1] != "b" || parts[2] != "c" {
				t.Fatalf("parts %v", parts)
			}
			r.wantFiles(2)
		default:
			t.Fatalf("%v, object of %q", got, object)
		}
	}
}

// Of two completions with different parts, one is the object; the other is refused.
func TestCompletionsRace(t *testing.T) {
	t.Parallel()
	r := newUploadRace(t)
	for range rounds {
		r.begins()
		second := r.part("abc", "k", r.upload, 2, content("b"))
		got := outcomes(t, r.completes("a"), r.completes("a"), func() error {
			_, err := r.complete("abc", "k", r.upload, &s3.CompletedPart{PartNumber: new(int32(2)), ETag: second.ETag})
			return err
		})
		switch object := r.object(); {
		case object == "a" && got["won"] == 2 && got["NoSuchUpload"] == 1: // the same again is the same answer
		case object == "b" && got["won"] == 1 && got["NoSuchUpload"] == 2:
		default:
			t.Fatalf("%v, object of %q", got, object)
		}
		r.wantFiles(1)
	}
}

// An upload is completed or aborted; nothing is sent to it afterwards.
func TestAbortRace(t *testing.T) {
	t.Parallel()
	r := newUploadRace(t)
	for range rounds {
		r.begins()
		got := outcomes(t, r.aborts, r.sends(1, "b"), r.sends(2, "c"))
		if parts := r.parts(); parts != nil || got["won"] < 1 || got["won"]+got["NoSuchUpload"] != 3 || r.object() != "" {
			t.Fatalf("%v, parts %v", got, parts)
		}
		r.wantFiles(0)

		r.begins()
		got = outcomes(t, r.aborts, r.completes("a"), r.aborts)
		if got["won"] != 1 || got["NoSuchUpload"] != 2 {
			t.Fatal(got)
		}
		files := 0
		if r.object() != "" {
			files = 1
		}
		r.wantFiles(files)
	}
}
