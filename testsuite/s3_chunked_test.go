package testsuite

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// chunkSize is how large the chunks are that bodies are framed in here.
const chunkSize = 64 << 10

// framed is a request whose body comes in chunks, with its CRC32 in a trailer.
type framed struct {
	request *v4.PresignedHTTPRequest
	body    []byte // with the framing
	trailer int    // where its trailer begins
}

// frame signs a request for a body in chunks, which are signed too if that is said.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func frame(t *testing.T, a *harness.Account, path string, body []byte, sum string, signed bool) framed {
	t.Helper()
	kind := "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	if signed {
		kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	}
	// The framing is as long whatever the signatures are.
	whole, _ := chunks(body, sum, signed, nil)
	r := must(http.NewRequestWithContext(t.Context(), http.MethodPut, a.URL+path, nil))(t)
	r.ContentLength = int64(len(whole))
	r.Header.Set("Content-Encoding", "aws-chunked")
	r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(len(body)))
	r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	r.Header.Set("X-Amz-Content-Sha256", kind)
	keys := must(a.Config.Credentials.Retrieve(t.Context()))(t)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	now := time.Now().UTC()
	if err := signer.SignHTTP(t.Context(), keys, r, kind, "s3", a.Config.Region, now); err != nil {
		t.Fatal(err)
	}
	_, seed, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	date, scope := now.Format("20060102T150405Z"), now.Format("20060102")+"/"+a.Config.Region+"/s3/aws4_request"
	key := []byte("AWS4" + keys.SecretAccessKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	previous := seed
	whole, trailer := chunks(body, sum, signed, func(of string, digests ...string) string {
		text := append([]string{"AWS4-HMAC-SHA256-" + of, date, scope, previous}, digests...)
		previous = hex.EncodeToString(mac(key, strings.Join(text, "\n")))
		return previous
	})
	return framed{&v4.PresignedHTTPRequest{Method: r.Method, URL: r.URL.String(), SignedHeader: r.Header}, whole, trailer}
}

// chunks frames a body; sign signs what it is told of each piece, and is nil
// where only the length matters.
func chunks(body []byte, sum string, signed bool, sign func(of string, digests ...string) string) (whole []byte, trailer int) {
	if sign == nil {
		sign = func(string, ...string) string { return strings.Repeat("0", 64) }
	}
	var b bytes.Buffer
	chunk := func(data []byte) {
		fmt.Fprintf(&b, "%x", len(data))
		if signed {
			b.WriteString(";chunk-signature=" + sign("PAYLOAD", digest(nil), digest(data)))
		}
		b.WriteString("\r\n")
		if len(data) > 0 {
			b.Write(data)
			b.WriteString("\r\n")
		}
	}
	for rest := body; len(rest) > 0; {
		n := min(chunkSize, len(rest))
		chunk(rest[:n])
		rest = rest[n:]
	}
	chunk(nil)
	trailer = b.Len()
	b.WriteString("x-amz-checksum-crc32:" + sum + "\r\n")
	if signed {
		b.WriteString("x-amz-trailer-signature:" + sign("TRAILER", digest([]byte("x-amz-checksum-crc32:"+sum+"\n"))) + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes(), trailer
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}

func crc32Of(b []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)))
}

// A body in chunks, signed or not, that is cut off, damaged, or is not what its
// trailer says changes nothing, and nothing of it is left behind.
func TestInterruptedChunks(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := harness.Start(t, harness.Options{Data: data})
	ctx, a := t.Context(), server.Account(t)
	name := bucket(t, a)
	const mark = "chunks that nobody may ever see;"
	all := []byte(strings.Repeat(mark, 1<<20/len(mark)))
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("k"), Body: strings.NewReader("old")}))(t)
	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: aws.String("k")}))(t)
	// Only keys that were issued have signatures that can be wrong.
	must(a.IAM.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("writer")}))(t)
	issued := must(a.IAM.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("writer")}))(t).AccessKey
	writer := server.As(*issued.AccessKeyId, *issued.SecretAccessKey, "")

	for what, path := range map[string]string{"object": "/" + *name + "/k", "part": "/" + *name + "/k?partNumber=1&uploadId=" + *upload.UploadId} {
		for _, size := range []int{1000, 20_000, len(all)} {
			body := all[:size]
			for _, signed := range []bool{false, true} {
				for _, c := range []struct {
					name   string
					change func(*framed) (sent int)
					sum    string
					want   string // an error's code; "" is no answer
				}{
					{"another CRC32 in the trailer", nil, "AAAAAA==", "BadDigest"},
					{"cut in a chunk", func(f *framed) int { return f.trailer / 2 }, "", ""},
					{"cut before the trailer", func(f *framed) int { return f.trailer }, "", ""},
					{"cut in the trailer", func(f *framed) int { return len(f.body) - 3 }, "", ""},
					{"another byte", func(f *framed) int {
						f.body[bytes.Index(f.body, []byte(mark))] ^= 1
						return len(f.body)
					}, "", map[bool]string{false: "BadDigest", true: "SignatureDoesNotMatch"}[signed]},
				} {
					t.Run(fmt.Sprintf("%s of %d bytes, signed %t, %s", what, size, signed, c.name), func(t *testing.T) {
						sum := c.sum
						if sum == "" {
							sum = crc32Of(body)
						}
						f := frame(t, writer, path, body, sum, signed)
						sent := len(f.body)
						if c.change != nil {
							sent = c.change(&f)
						}
						status, answer := sendPart(ctx, t, server, f.request, len(f.body), f.body[:sent])
						if c.want != "" && (status < 400 || !strings.Contains(answer, "<Code>"+c.want+"</Code>")) {
							t.Errorf("status %d: %s", status, answer)
						}
					})
				}
			}
		}
	}
	// The frames are good: what is whole is taken.
	for _, signed := range []bool{false, true} {
		whole := []byte(fmt.Sprintf("taken, signed %t", signed))
		f := frame(t, writer, "/"+*name+"/taken", whole, crc32Of(whole), signed)
		if status, answer := sendPart(ctx, t, server, f.request, len(f.body), f.body); status != 200 {
			t.Errorf("status %d: %s", status, answer)
		}
		got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("taken")}))(t)
		if text := read(t, got.Body); text != string(whole) {
			t.Errorf("%q", text)
		}
	}
	got := must(a.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("k")}))(t)
	if text := read(t, got.Body); text != "old" {
		t.Errorf("the object is %.100q", text)
	}
	if parts := must(a.S3.ListParts(ctx, &s3.ListPartsInput{Bucket: name, Key: aws.String("k"), UploadId: upload.UploadId}))(t); len(parts.Parts) != 0 {
		t.Errorf("%d parts", len(parts.Parts))
	}
	if err := server.Stop(); err != nil { // it waits for requests under way
		t.Fatal(err)
	}
	for _, path := range containing(t, data, []byte(mark)) {
		t.Errorf("%s has bytes of a body that was refused", path)
	}
}

// A server that is killed in the middle of uploads has nothing of them when it
// is back, and all that it had before.
func TestKilledUploads(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := harness.Start(t, harness.Options{Data: data})
	ctx, a := t.Context(), server.Account(t)
	name := bucket(t, a)
	const mark = "bytes that die with the server;"
	body := []byte(strings.Repeat(mark, 8<<20/len(mark)))
	kept := strings.Repeat("bytes that stay;", 1<<16)
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("k"), Body: strings.NewReader(kept)}))(t)
	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: aws.String("k")}))(t)
	for _, path := range []string{"/" + *name + "/k", "/" + *name + "/k?partNumber=1&uploadId=" + *upload.UploadId} {
		f := frame(t, a, path, body, crc32Of(body), true)
		conn := must(net.Dial("tcp", server.Addr))(t)
		defer conn.Close()
		must(conn.Write(append(headOf(ctx, t, f.request, len(f.body)), f.body[:len(f.body)/2]...)))(t)
	}
	for len(containing(t, data, []byte(mark))) < 2 { // both have been written in part
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	server.Kill()

	again := harness.Start(t, harness.Options{Data: data})
	b := again.As(a.ID, "test", "")
	got := must(b.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("k")}))(t)
	if read(t, got.Body) != kept {
		t.Error("the object is another")
	}
	if parts := must(b.S3.ListParts(ctx, &s3.ListPartsInput{Bucket: name, Key: aws.String("k"), UploadId: upload.UploadId}))(t); len(parts.Parts) != 0 {
		t.Errorf("%d parts", len(parts.Parts))
	}
	if err := again.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, path := range containing(t, data, []byte(mark)) {
		t.Errorf("%s is left of an upload", path)
	}
}
