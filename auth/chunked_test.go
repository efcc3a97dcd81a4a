package auth_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/auth/authtest"
)

const (
	streamingSigned        = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsigned      = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// upload is a chunked PUT. body is given the seed signature; trailer is
// X-Amz-Trailer where it is not empty.
func upload(kind string, length int, trailer string, body func(seed string) string) *http.Request {
	r := httptest.NewRequest("PUT", "http://localhost:4566/bucket/key", nil)
	r.Header.Set("X-Amz-Content-Sha256", kind)
	r.Header.Set("Content-Encoding", "aws-chunked")
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(length))
	if trailer != "" {
		r.Header.Set("X-Amz-Trailer", trailer)
	}
	setBody(r, body(signer(s3Service).Sign(r, "")))
	return r
}

// plainUpload is one without signatures, its framing given as it is.
func plainUpload(length int, trailer, framing string) *http.Request {
	return upload(streamingUnsigned, length, trailer, func(string) string { return framing })
}

// receive authenticates and reads as the slowest of readers would.
func receive(r *http.Request) (string, error) {
	if _, err := verifier(auth.Off).Authenticate(r, s3Target); err != nil {
		return "", err
	}
	b, err := io.ReadAll(iotest.OneByteReader(r.Body))
	return string(b), err
}

func pieces(sizes ...int) (data []string) {
	for i, n := range sizes {
		data = append(data, strings.Repeat(string(rune('a'+i)), n))
	}
	return data
}

func TestChunks(t *testing.T) {
	const crc = "x-amz-checksum-crc32:y7ZWMQ=="
	for name, sizes := range map[string][]int{
		"empty": {}, "a byte": {1}, "small": {100}, "large": {70000}, "many": {8192, 9000, 65536, 8192, 3}, "even": {8192, 8192},
	} {
		data := pieces(sizes...)
		whole := strings.Join(data, "")
		for kind, r := range map[string]*http.Request{
			streamingSigned: upload(streamingSigned, len(whole), "", func(seed string) string {
				return signer(s3Service).Chunks(seed, data)
			}),
			streamingSignedTrailer: upload(streamingSignedTrailer, len(whole), "x-amz-checksum-crc32", func(seed string) string {
				return signer(s3Service).Chunks(seed, data, crc)
			}),
			streamingUnsigned: plainUpload(len(whole), "x-amz-checksum-crc32", authtest.UnsignedChunks(data, crc)),
			"an empty line more": plainUpload(len(whole), "x-amz-checksum-crc32",
				strings.TrimSuffix(authtest.UnsignedChunks(data, crc), "\r\n\r\n")+"\n\r\n\r\n"),
			"without trailer": plainUpload(len(whole), "", authtest.UnsignedChunks(data)),
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				got, err := receive(r)
				if err != nil || got != whole {
					t.Fatalf("%d bytes of %d, %v", len(got), len(whole), err)
				}
				trailers := r.Body.(api.Trailers)
				if want := r.Header.Get("X-Amz-Trailer"); want != "" && trailers.Trailer(want) != "y7ZWMQ==" || len(trailers.TrailerNames()) != len(r.Header["X-Amz-Trailer"]) {
					t.Errorf("trailers %v", trailers.TrailerNames())
				}
				if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("after the end: %d, %v", n, err)
				}
			})
		}
	}
}

// TestChunksAreVerified: an altered byte, anywhere, and the order of chunks are noticed.
func TestChunksAreVerified(t *testing.T) {
	data := pieces(8192, 9000, 10)
	length := len(strings.Join(data, ""))
	request := func(change func(string) string) *http.Request {
		return upload(streamingSignedTrailer, length, "x-amz-checksum-crc32", func(seed string) string {
			return change(signer(s3Service).Chunks(seed, data, "x-amz-checksum-crc32:y7ZWMQ=="))
		})
	}
	if _, err := receive(request(func(s string) string { return s })); err != nil {
		t.Fatal(err)
	}
	chunks := func(s string) []string {
		var out []string
		for _, mark := range []string{"2328;", "a;", "0;"} {
			i := strings.Index(s, mark)
			out, s = append(out, s[:i]), s[i:]
		}
		return append(out, s)
	}
	for name, change := range map[string]func(string) string{
		"first byte":        func(s string) string { return strings.Replace(s, "\r\na", "\r\nA", 1) },
		"middle chunk":      func(s string) string { return strings.Replace(s, "bbb", "bBb", 1) },
		"last byte of data": func(s string) string { return strings.Replace(s, "c\r\n", "C\r\n", 1) },
		"trailer":           func(s string) string { return strings.Replace(s, "y7ZWMQ", "Y7ZWMQ", 1) },
		"trailer signature": func(s string) string { return flipAfter(s, "trailer-signature:") },
		"chunk signature":   func(s string) string { return flipAfter(s, "2328;chunk-signature=") },
		"last signature":    func(s string) string { return flipAfter(s, "\r\n0;chunk-signature=") },
		"order": func(s string) string {
			c := chunks(strings.Replace(s, "2000;", "2328;", 1)) // same sizes, for the framing
			return c[1] + c[0] + c[2] + c[3]
		},
		"chunk left out": func(s string) string { c := chunks(s); return c[0] + c[2] + c[3] },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := receive(request(change))
			var e *api.Error
			if !errors.As(err, &e) || e.Code != "SignatureDoesNotMatch" && (e.Code != "IncompleteBody" || name != "order") {
				t.Errorf("error %v", err)
			}
		})
	}
	// Nobody learns the end of a body that is not the one that was signed.
	r := request(func(s string) string { return strings.Replace(s, "y7ZWMQ", "Y7ZWMQ", 1) })
	if _, err := verifier(auth.Off).Authenticate(r, s3Target); err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, r.Body, int64(length)); err == nil || n == int64(length) {
		t.Errorf("%d bytes given out, %v", n, err)
	}
}

// flipAfter changes the hexadecimal digit that follows mark.
func flipAfter(s, mark string) string {
	i := strings.Index(s, mark) + len(mark)
	digit := "0"
	if s[i] == '0' {
		digit = "1"
	}
	return s[:i] + digit + s[i+1:]
}

// TestStrangersChunks: a body that nobody can verify is unframed all the same.
func TestStrangersChunks(t *testing.T) {
	for _, kind := range []string{streamingSigned, streamingUnsigned} {
		r := upload(kind, 5, "", func(seed string) string {
			if kind == streamingUnsigned {
				return authtest.UnsignedChunks([]string{"hello"})
			}
			return signer(s3Service).Chunks(seed, []string{"hello"})
		})
		r.Header.Set("Content-Encoding", "gzip, aws-chunked")
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), knownID, "test", 1))
		got, err := receive(r)
		if err != nil || got != "hello" || r.ContentLength != 5 || r.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %q, %d, %q, %v", kind, got, r.ContentLength, r.Header.Get("Content-Encoding"), err)
		}
	}
}

const (
	terminated  = "The request body terminated unexpectedly"
	wrongNumber = "You did not provide the number of bytes specified by the Content-Length HTTP header"
)

func TestDamagedChunks(t *testing.T) {
	const crc = "x-amz-checksum-crc64nvme"
	for framing, tt := range map[string]struct {
		length        int
		trailer       string
		code, message string
	}{
		"A\ndummy data\r\n0\r\n\r\n":                                        {10, crc, "IncompleteBody", terminated},
		"A\r\ndummy data0\r\n\r\n":                                          {10, crc, "IncompleteBody", terminated},
		"A\r\nXYZ\r\ndummy data\r\n0\r\n\r\n":                               {10, crc, "IncompleteBody", terminated},
		"B\r\ndummy data\r\n0\r\n\r\n":                                      {10, crc, "IncompleteBody", terminated},
		"A\r\ndummy data\r\n0\r\n":                                          {10, crc, "IncompleteBody", terminated},
		"A\r\ndummy data\r\n0\r\nx-amz-checksum-crc64nvme:dPVWc2vU1+Q=\r\n": {10, crc, "IncompleteBody", terminated},
		"A\r\n":                            {10, crc, "IncompleteBody", terminated},
		"A":                                {10, crc, "IncompleteBody", terminated},
		"":                                 {10, crc, "IncompleteBody", terminated},
		"A\r\ndum":                         {10, crc, "IncompleteBody", terminated},
		"size\r\ndummy data\r\n0\r\n\r\n":  {10, crc, "IncompleteBody", terminated},
		"-A\r\ndummy data\r\n0\r\n\r\n":    {10, crc, "IncompleteBody", terminated},
		"\r\ndummy data\r\n0\r\n\r\n":      {10, crc, "IncompleteBody", terminated},
		"A;x=y\r\ndummy data\r\n0\r\n\r\n": {10, crc, "IncompleteBody", terminated},
		"A\r\ndummy data\r\nJ\r\nx-amz-checksum-crc64nvme:dPVWc2vU1+Q=\r\n\r\n":     {10, crc, "IncompleteBody", terminated},
		"A\r\ndummy data\r\n0\r\nx-amz-checksum-crc64nvme:dPVWc2vU1+Q=\r\n\r\nmore": {10, crc, "IncompleteBody", terminated},
		"FFFFFFFFFFFFFFFF\r\n": {10, crc, "IncompleteBody", terminated},
		strings.Repeat("0", 5000) + "A\r\ndummy data\r\n0\r\n\r\n":                      {10, crc, "IncompleteBody", terminated},
		"A\r\ndummy data\r\n0\r\nx-amz-checksum-crc64nvme:" + strings.Repeat("x", 5000): {10, crc, "IncompleteBody", terminated},
		"FFFFFFFFFFFFFFF\r\n":                                                                {10, crc, "IncompleteBody", wrongNumber},
		"B\r\nabcdefghijk\r\n0\r\n\r\n":                                                      {5, "", "IncompleteBody", wrongNumber},
		"b\r\nabcdefghijk\r\n0\r\n\r\n":                                                      {200, "", "IncompleteBody", wrongNumber},
		"5\r\nhello\r\n0\r\n\r\n":                                                            {5, crc, "MalformedTrailerError", ""},
		"5\r\nhello\r\n0\r\n:M3eFcAZSQlc=\r\n\r\n":                                           {5, crc, "MalformedTrailerError", ""},
		"5\r\nhello\r\n0\r\nx-amz-checksum-crc64nvme\r\n\r\n":                                {5, crc, "MalformedTrailerError", ""},
		"5\r\nhello\r\n0\r\nx-amz-checksum-crc64nvme:M3eFcAZSQlc=\r\n\r\n":                   {5, "", "MalformedTrailerError", ""},
		"5\r\nhello\r\n0\r\ninvalid_trailer:M3eFcAZSQlc=\r\n\r\n":                            {5, crc, "MalformedTrailerError", ""},
		"5\r\nhello\r\n0\r\n" + strings.Repeat("x-amz-checksum-crc64nvme:x\r\n", 2) + "\r\n": {5, crc, "MalformedTrailerError", ""},
		"5\r\nhello\r\n0\r\nx-amz-checksum-crc64nvme:x\r\nx-amz-trailer-signature:x\r\n\r\n": {5, crc, "MalformedTrailerError", ""},
	} {
		_, err := receive(plainUpload(tt.length, tt.trailer, framing))
		var e *api.Error
		if !errors.As(err, &e) || e.Code != tt.code || tt.message != "" && e.Message != tt.message || e.Status != 400 {
			t.Errorf("%.60q: %v", framing, err)
		}
	}
}

func TestDamagedSignedChunks(t *testing.T) {
	request := func(kind, trailer string, change func(string) string) *http.Request {
		return upload(kind, 5, trailer, func(seed string) string {
			var trailers []string
			if trailer != "" {
				trailers = []string{trailer + ":y7ZWMQ=="}
			}
			return change(signer(s3Service).Chunks(seed, []string{"hello"}, trailers...))
		})
	}
	replace := func(from, to string) func(string) string {
		return func(s string) string { return strings.Replace(s, from, to, 1) }
	}
	const crc = "x-amz-checksum-crc32"
	for name, tt := range map[string]struct {
		r    *http.Request
		code string
	}{
		"separator":               {request(streamingSigned, "", replace(";", ":")), "IncompleteBody"},
		"no signature":            {request(streamingSigned, "", replace(";chunk-signature=", "")), "IncompleteBody"},
		"signature left out":      {request(streamingSigned, "", func(s string) string { return s[:1] + s[len("5;chunk-signature=")+64:] }), "IncompleteBody"},
		"short signature":         {request(streamingSigned, "", func(s string) string { return s[:18] + s[22:] }), "IncompleteBody"},
		"signature not hex":       {request(streamingSigned, "", func(s string) string { return s[:18] + "xy" + s[20:] }), "IncompleteBody"},
		"trailers where none are": {request(streamingSigned, crc, func(s string) string { return s }), "IncompleteBody"},
		"no trailer signature":    {request(streamingSignedTrailer, crc, replace("x-amz-trailer-signature", crc)), "MalformedTrailerError"},
		"half a signature":        {request(streamingSignedTrailer, crc, replace("x-amz-trailer-signature:", "x-amz-trailer-signature:0")), "MalformedTrailerError"},
		"cut off":                 {request(streamingSigned, "", func(s string) string { return s[:len(s)-2] }), "IncompleteBody"},
	} {
		_, err := receive(tt.r)
		var e *api.Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestChunkSize: only the last chunk may have less than 8192 bytes.
func TestChunkSize(t *testing.T) {
	for _, tt := range []struct {
		sizes  []int
		number string // of the chunk behind the one that is too small
		small  string
	}{
		{[]int{8192, 8192, 100}, "", ""},
		{[]int{100}, "", ""},
		{[]int{10000, 9500, 20}, "", ""},
		{[]int{3, 2}, "2", "3"},
		{[]int{100, 8192, 100}, "2", "100"},
		{[]int{8192, 8191, 100}, "3", "8191"},
	} {
		data := pieces(tt.sizes...)
		_, err := receive(plainUpload(len(strings.Join(data, "")), "", authtest.UnsignedChunks(data)))
		if tt.small == "" {
			if err != nil {
				t.Errorf("%v: %v", tt.sizes, err)
			}
			continue
		}
		e := wantAPIError(t, err, "InvalidChunkSizeError", 403)
		if detail(e, "Chunk") != tt.number || detail(e, "BadChunkSize") != tt.small {
			t.Errorf("%v: %v", tt.sizes, e.Detail)
		}
	}
}

func TestDecodedContentLength(t *testing.T) {
	for _, value := range []string{"", "abc", "12x", "-1", "99999999999999999999"} {
		r := plainUpload(5, "", authtest.UnsignedChunks([]string{"hello"}))
		r.Header.Set("X-Amz-Decoded-Content-Length", value)
		r.Header.Del("Authorization")
		_, err := verifier(auth.Off).Authenticate(r, s3Target)
		wantAPIError(t, err, "MissingContentLength", 411)
	}
}

// TestConnectionErrorsPass: what the server's own limits on a body say is not taken for damage.
func TestConnectionErrorsPass(t *testing.T) {
	r := plainUpload(10000, "", authtest.UnsignedChunks(pieces(10000)))
	r.Body = http.MaxBytesReader(nil, r.Body, 100)
	_, err := receive(r)
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) {
		t.Errorf("error %v", err)
	}
	r = plainUpload(10000, "", "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("2710\r\nabc"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	_, err = receive(r)
	wantAPIError(t, err, "IncompleteBody", 400)
}

// TestLargeReadsGoThrough: data of large chunks is not copied through the buffer.
func TestLargeReadsGoThrough(t *testing.T) {
	const size = 1 << 20
	framing := authtest.UnsignedChunks(pieces(size))
	source := &widestRead{Reader: strings.NewReader(framing)}
	r := plainUpload(size, "", "")
	r.Body = io.NopCloser(source)
	if _, err := verifier(auth.Off).Authenticate(r, s3Target); err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r.Body}, make([]byte, 64<<10)); n != size || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if source.widest != 64<<10 {
		t.Errorf("the widest read had %d bytes", source.widest)
	}
}

type widestRead struct {
	io.Reader
	widest int
}

func (r *widestRead) Read(p []byte) (int, error) {
	r.widest = max(r.widest, len(p))
	return r.Reader.Read(p)
}

// FuzzChunks reads damaged framing of each kind: nothing panics, no more comes
// out than was announced, and what comes out whole is what was sent.
func FuzzChunks(f *testing.F) {
	seed := func(kind string, framing string, length int, trailer string) {
		f.Add(kind, []byte(framing), length, trailer, false)
		f.Add(kind, []byte(framing), length, trailer, true)
	}
	s := signer(s3Service)
	seed(streamingUnsigned, authtest.UnsignedChunks(pieces(8192, 5), "x-amz-checksum-crc32:y7ZWMQ=="), 8197, "x-amz-checksum-crc32")
	seed(streamingSigned, s.Chunks(strings.Repeat("0", 64), pieces(8192, 5)), 8197, "")
	seed(streamingSignedTrailer, s.Chunks(strings.Repeat("0", 64), pieces(5), "x-amz-checksum-crc32:y7ZWMQ=="), 5, "x-amz-checksum-crc32")
	seed("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "5;chunk-signature=3045**\r\nhello\r\n0;chunk-signature=3045\r\n\r\n", 5, "")
	seed(streamingUnsigned, "ffffffffffffff\r\n", 1, "")
	v := verifier(auth.Off)
	kinds := []string{streamingUnsigned, streamingSigned, streamingSignedTrailer, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}
	f.Fuzz(func(t *testing.T, kind string, framing []byte, length int, trailer string, known bool) {
		r := upload(kind, length, trailer, func(string) string { return string(framing) })
		if !known {
			r.Header.Del("Authorization")
		}
		if _, err := v.Authenticate(r, s3Target); err != nil {
			return
		}
		var got bytes.Buffer
		_, err := got.ReadFrom(r.Body)
		if !slices.Contains(kinds, kind) {
			return
		}
		if err == nil && got.Len() != length || got.Len() > max(length, 0) {
			t.Errorf("%d bytes of %d, %v", got.Len(), length, err)
		}
		if got.Len() > len(framing) {
			t.Errorf("%d bytes from %d", got.Len(), len(framing))
		}
	})
}
