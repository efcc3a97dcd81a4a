package server

import (
	"encoding/base32"
	"encoding/json"
	"hash/crc32"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/server/protocol"
)

// What DynamoDB says to requests that reach it and name no operation, and how
// its answers look from outside. Such requests come through its own door, or
// to its own host: elsewhere they are S3's.

// serverServer is the header Server of DynamoDB's answers.
var serverServer = []string{"Server"}

// requestID is an id as DynamoDB gives its requests: 26 random characters, and
// the same 26 behind them.
func requestID(source *ids.Source) string {
	b := source.Bits()
	var text [52]byte
	requestIDs.Encode(text[:26], b[:])
	copy(text[26:], "VV4KQNSO5AEMVJF66Q9ASUAAJG")
	return string(text[:])
}

var requestIDs = base32.HexEncoding.WithPadding(base32.NoPadding)

// nameless answers a request to DynamoDB that names no operation, and says
// whether it was one.
func (x *exchange) nameless(r *http.Request) bool {
	t := &x.target
	if t.model == nil || t.model.Service.Name != "dynamodb" || protocol.HeaderOf(r.Header, "X-Amz-Target") != "" {
		return false
	}
	x.what = "dynamodb " + r.Method
	kind, _, _ := mime.ParseMediaType(protocol.HeaderOf(r.Header, "Content-Type"))
	isJSON := kind == "application/json" || kind == "application/x-amz-json-1.0"
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/":
		x.plain(http.StatusOK, "healthy: "+r.Host+" ")
	case r.Method == http.MethodPost && r.ContentLength == 0:
		t.protocol = api.JSON
		x.fail(protocol.UnknownOperation(api.JSON, t.model.Service, ""))
	case r.Method == http.MethodPost && isJSON:
		t.protocol = api.JSON
		body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
		switch {
		case err != nil:
			x.fail(requestTooLarge(err))
		case !json.Valid(body):
			x.fail(&api.Error{Code: "SerializationException", Status: http.StatusBadRequest})
		default:
			x.fail(protocol.UnknownOperation(api.JSON, t.model.Service, ""))
		}
	default:
		x.plain(http.StatusNotFound, "<UnknownOperationException/>\n")
	}
	return true
}

// plain answers with a text that is of no protocol.
func (x *exchange) plain(status int, text string) {
	h := x.answer.Header()
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(text))), 10))
	h.Set("Content-Length", strconv.Itoa(len(text)))
	x.answer.WriteHeader(status)
	_, _ = io.WriteString(&x.answer, text) // the log has what became of it
}
