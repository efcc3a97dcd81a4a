package testsuite

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A body that does not arrive whole, or is not what it was said to be, changes
// nothing: what was there stays, and nothing of it is left behind.
func TestInterruptedUploads(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := harness.Start(t, harness.Options{Data: data})
	ctx, a := t.Context(), server.Account(t)
	name := bucket(t, a)
	const mark = "bytes that nobody may ever see;"
	body := []byte(strings.Repeat(mark, 1<<20/len(mark)))
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("k"), Body: strings.NewReader("old")}))(t)
	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: aws.String("k")}))(t)
	presign := s3.NewPresignClient(a.S3)

	type sums struct{ md5, crc32 *string }
	for what, sign := range map[string]func(sums) (*v4.PresignedHTTPRequest, error){
		"object": func(s sums) (*v4.PresignedHTTPRequest, error) {
			return presign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("k"), ContentMD5: s.md5, ChecksumCRC32: s.crc32})
		},
		"part": func(s sums) (*v4.PresignedHTTPRequest, error) {
			return presign.PresignUploadPart(ctx, &s3.UploadPartInput{
				Bucket: name, Key: aws.String("k"), UploadId: upload.UploadId, PartNumber: aws.Int32(1), ContentMD5: s.md5, ChecksumCRC32: s.crc32,
			})
		},
	} {
		for _, size := range []int{1000, 20_000, len(body)} {
			for _, c := range []struct {
				name string
				sums sums
				sent int
				want string
			}{
				{"cut off", sums{}, size / 2, ""},
				{"cut off before the last byte", sums{}, size - 1, ""},
				{"not a byte of it", sums{}, 0, ""},
				{"another MD5", sums{md5: aws.String("1B2M2Y8AsgTpgAmY7PhCfg==")}, size, "BadDigest"},
				{"another CRC32", sums{crc32: aws.String("AAAAAA==")}, size, "BadDigest"},
			} {
				t.Run(fmt.Sprintf("%s of %d bytes, %s", what, size, c.name), func(t *testing.T) {
					r := must(sign(c.sums))(t)
					status, answer := sendPart(ctx, t, server, r, size, body[:c.sent])
					if c.want != "" && (status != 400 || !strings.Contains(answer, "<Code>"+c.want+"</Code>")) {
						t.Errorf("status %d: %s", status, answer)
					}
				})
			}
		}
	}
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("k")}))(t)
	if text, err := io.ReadAll(got.Body); err != nil || string(text) != "old" {
		t.Errorf("the object is %.100q, %v", text, err)
	}
	if parts := must(a.S3.ListParts(ctx, &s3.ListPartsInput{Bucket: name, Key: aws.String("k"), UploadId: upload.UploadId}))(t); len(parts.Parts) != 0 {
		t.Errorf("%d parts", len(parts.Parts))
	}
	const kept = "bytes that stay;"
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("kept"), Body: strings.NewReader(strings.Repeat(kept, 1<<16))}))(t)
	if err := server.Stop(); err != nil { // it waits for requests under way
		t.Fatal(err)
	}
	if len(containing(t, data, []byte(kept))) == 0 {
		t.Error("not even what was stored is found in the files")
	}
	for _, path := range containing(t, data, []byte(mark)) {
		t.Errorf("%s has bytes of a body that was refused", path)
	}
}

// sendPart sends the head of a request for so many bytes, and some of them. Where
// they are all it reads the answer; else it closes the connection.
func sendPart(ctx context.Context, t *testing.T, server *harness.Server, r *v4.PresignedHTTPRequest, size int, body []byte) (int, string) {
	t.Helper()
	conn := must(net.Dial("tcp", server.Addr))(t)
	defer conn.Close()
	must(conn.Write(append(headOf(ctx, t, r, size), body...)))(t)
	if len(body) < size {
		return 0, ""
	}
	answer := must(http.ReadResponse(bufio.NewReader(conn), nil))(t)
	defer answer.Body.Close()
	return answer.StatusCode, string(must(io.ReadAll(answer.Body))(t))
}

// headOf is the head of a request for so many bytes.
func headOf(ctx context.Context, t *testing.T, r *v4.PresignedHTTPRequest, size int) []byte {
	t.Helper()
	request := must(http.NewRequestWithContext(ctx, r.Method, r.URL, nil))(t)
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.Method, request.URL.RequestURI(), request.URL.Host, size)
	for name, values := range r.SignedHeader {
		if name != "Host" && name != "Content-Length" {
			fmt.Fprintf(&head, "%s: %s\r\n", name, strings.Join(values, ","))
		}
	}
	head.WriteString("\r\n")
	return head.Bytes()
}

// containing are the files below a directory that have these bytes in them.
func containing(t *testing.T, dir string, mark []byte) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, mark) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
