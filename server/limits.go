package server

import (
	"io"
	"net/http"
	"time"
)

const (
	// maxHeaderBytes bounds the request line and headers. S3 allows 8 KB of
	// headers, other services less; presigned URLs with session tokens are the longest.
	maxHeaderBytes = 64 << 10
	// headerTimeout is how long a client may take to send them.
	headerTimeout = 30 * time.Second
	// idleTimeout is how long a connection is kept between requests.
	idleTimeout = 3 * time.Minute
	// stallTimeout is how long a client may send or take nothing of a body.
	// It starts again with each piece, so that it bounds no transfer that moves.
	stallTimeout = 60 * time.Second
	// maxBody bounds bodies that are held in memory; streams have no bound here.
	maxBody = 16 << 20
	// maxFormBody bounds the forms of the query protocols.
	maxFormBody = 2 << 20
)

// bodyLimits are the services whose bodies may be larger than maxBody: a zip
// of Lambda's is at most 50 MB, which base64 makes 67.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
var bodyLimits = map[string]int64{"lambda": 70 << 20}

// pacedBody gives a body's reader time as long as something arrives.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	// since is how many bytes were read since the deadline was moved.
	since int
	begun bool
}

// pace is how many bytes may pass between two movements of the deadline:
// moving it for each read would cost more than it protects.
const pace = 256 << 10

func (b *pacedBody) Read(p []byte) (int, error) {
	if !b.begun || b.since >= pace {
		b.control.SetReadDeadline(time.Now().Add(stallTimeout))
		b.begun, b.since = true, 0
	}
	n, err := b.ReadCloser.Read(p)
	b.since += n
	return n, err
}

func (b *pacedBody) Close() error {
	err := b.ReadCloser.Close()
	b.control.SetReadDeadline(time.Time{})
	return err
}
