package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/logs"
	"github.com/virga-cloud/virga/api/s3"
)

// stream yields events and then, if it is not nil, an error.
func stream[T any](err error, events ...*T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// collect reads a stream to its end.
func collect[T any](seq iter.Seq2[*T, error]) (events []*T, err error) {
	for e, err := range seq {
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

// frames reads messages as "name=value ... payload" lines, headers in the order
// they were sent, with the decoder of the AWS SDK.
func frames(t *testing.T, body []byte) (lines []string) {
	t.Helper()
	r := bytes.NewReader(body)
	for r.Len() > 0 {
		msg, err := eventstream.NewDecoder().Decode(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		for _, h := range msg.Headers {
			fmt.Fprintf(&line, "%s=%v ", h.Name, h.Value.Get())
		}
		line.Write(msg.Payload)
		lines = append(lines, line.String())
	}
	return lines
}

func TestEventFrames(t *testing.T) {
	type liveTail = logs.StartLiveTailResponseStream
	for _, c := range []struct {
		name     string
		protocol api.Protocol
		op       *api.Operation
		out      any
		want     []string
		fails    bool
	}{
		{
			"REST JSON: blobs are sent as they are",
			api.RESTJSON, lambda.InvokeWithResponseStream.Spec(),
			&lambda.InvokeWithResponseStreamOutput{EventStream: stream(nil,
				&lambda.InvokeWithResponseStreamResponseEvent{PayloadChunk: &lambda.InvokeResponseStreamUpdate{Payload: []byte("a\x00")}},
				&lambda.InvokeWithResponseStreamResponseEvent{InvokeComplete: &lambda.InvokeWithResponseStreamCompleteEvent{ErrorCode: "e"}},
			)},
			[]string{
				":message-type=event :event-type=PayloadChunk :content-type=application/octet-stream a\x00",
				`:message-type=event :event-type=InvokeComplete :content-type=application/json {"ErrorCode":"e"}`,
			}, false,
		},
		{
			"REST XML: the payload's root is its shape, an event without members has no payload",
			api.RESTXML, s3.SelectObjectContent.Spec(),
			&s3.SelectObjectContentOutput{Payload: stream(nil,
				&s3.SelectObjectContentEventStream{Records: &s3.RecordsEvent{Payload: []byte("1,2\n")}},
				&s3.SelectObjectContentEventStream{Stats: &s3.StatsEvent{Details: &s3.Stats{BytesScanned: new(int64(4))}}},
				&s3.SelectObjectContentEventStream{End: &s3.EndEvent{}},
			)},
			[]string{
				":message-type=event :event-type=Records :content-type=application/octet-stream 1,2\n",
				":message-type=event :event-type=Stats :content-type=text/xml <Stats><BytesScanned>4</BytesScanned></Stats>",
				":message-type=event :event-type=End ",
			}, false,
		},
		{
			"RPC: the other members go ahead, a modelled error is an exception",
			api.JSON, logs.StartLiveTail.Spec(),
			&logs.StartLiveTailOutput{ResponseStream: stream[liveTail](
				fmt.Errorf("wrapped: %w", &logs.SessionTimeoutException{Message: "too long"}),
				&liveTail{SessionStart: &logs.LiveTailSessionStart{SessionId: "s"}},
			)},
			[]string{
				":event-type=initial-response :content-type=application/x-amz-json-1.1 :message-type=event {}",
				`:message-type=event :event-type=sessionStart :content-type=application/x-amz-json-1.1 {"sessionId":"s"}`,
				`:message-type=exception :exception-type=SessionTimeoutException :content-type=application/x-amz-json-1.1 {"message":"too long"}`,
			}, false,
		},
		{
			"an error that the stream's model has not",
			api.RESTXML, s3.SelectObjectContent.Spec(),
			&s3.SelectObjectContentOutput{Payload: stream[s3.SelectObjectContentEventStream](api.Errorf("OverMaxColumn", 400, "too many"))},
			[]string{":message-type=error :error-code=OverMaxColumn :error-message=too many "}, false,
		},
		{
			"a fault is not told to the client",
			api.RESTXML, s3.SelectObjectContent.Spec(),
			&s3.SelectObjectContentOutput{Payload: stream[s3.SelectObjectContentEventStream](errors.New("secret"))},
			[]string{":message-type=error :error-code=InternalError :error-message=We encountered an internal error. Please try again. "}, true,
		},
		{
			"no stream at all is an empty one",
			api.RESTXML, s3.SelectObjectContent.Spec(), &s3.SelectObjectContentOutput{}, nil, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := For(c.protocol).Encode(c.op, w, c.out); (err != nil) != c.fails {
				t.Fatal(err)
			}
			if got := w.Header().Get("Content-Type"); got != "application/vnd.amazon.eventstream" {
				t.Errorf("Content-Type %q", got)
			}
			if diff := cmp.Diff(c.want, frames(t, w.Body.Bytes())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// allKinds has an event of each form, with headers of each kind.
type allKinds struct {
	Document *documentEvent `aws:"document,event"`
	Blob     *blobEvent     `aws:"blob,event"`
	Text     *textEvent     `aws:"text,event"`
	Empty    *emptyEvent    `aws:"empty,event"`
	Failed   *failedEvent   `aws:"Failed"`
}

type documentEvent struct {
	Name  string            `aws:"name"`
	Count *int64            `aws:"count"`
	Tags  map[string]string `aws:"tags"`
}

type blobEvent struct {
	Payload []byte    `aws:"payload,eventpayload"`
	String  string    `aws:"string,eventheader"`
	Blob    []byte    `aws:"blob,eventheader"`
	Time    time.Time `aws:"time,eventheader"`
	Bool    *bool     `aws:"bool,eventheader"`
	Int     *int32    `aws:"int,eventheader"`
	Long    *int64    `aws:"long,eventheader"`
}

type textEvent struct {
	Payload string `aws:"payload,eventpayload"`
}

type emptyEvent struct{}

type failedEvent struct {
	Message string `aws:"message"`
}

func (*allKinds) IsUnion()                  {}
func (e *failedEvent) Error() string        { return e.Message }
func (*failedEvent) Shape() *api.ErrorShape { return &api.ErrorShape{Name: "Failed", Status: 400} }

type eventsOutput struct {
	Token  string                      `aws:"token,header"`
	Events iter.Seq2[*allKinds, error] `aws:"events,eventstream"`
}

// everyEvent is a stream's worth of allKinds.
func everyEvent() []*allKinds {
	return []*allKinds{
		{Document: &documentEvent{Name: "n<", Count: new(int64(5)), Tags: map[string]string{"k": "v"}}},
		{Blob: &blobEvent{
			Payload: []byte{0, 1, 2}, String: "s", Blob: []byte{3}, Time: time.UnixMilli(1_700_000_000_123).UTC(),
			Bool: new(false), Int: new(int32(-7)), Long: new(int64(1) << 40),
		}},
		{Text: &textEvent{Payload: "text"}},
		{Empty: &emptyEvent{}},
	}
}

var eventsOperation = &api.Operation{
	Name: "Stream", Method: "POST", URI: "/", Status: 200, OutputName: "StreamOutput",
	Service: &api.Service{Name: "test", JSONVersion: "1.1"},
}

// TestEventRoundTrips: what one side writes the other reads, in each notation.
func TestEventRoundTrips(t *testing.T) {
	for _, p := range []api.Protocol{api.JSON, api.CBOR, api.RESTJSON, api.RESTXML} {
		t.Run(string(p), func(t *testing.T) {
			for _, failure := range []error{nil, &failedEvent{Message: "m"}, api.Errorf("Code", 500, "text")} {
				w := httptest.NewRecorder()
				if err := For(p).Encode(eventsOperation, w, &eventsOutput{Token: "t", Events: stream(failure, everyEvent()...)}); err != nil {
					t.Fatal(err)
				}
				out := new(eventsOutput)
				if err := DecodeResponse(p, eventsOperation, w.Result(), out); err != nil {
					t.Fatal(err)
				}
				events, err := collect(out.Events)
				if diff := cmp.Diff(failure, err); diff != "" {
					t.Errorf("error: %s", diff)
				}
				if diff := cmp.Diff(everyEvent(), events); diff != "" {
					t.Errorf("events: %s", diff)
				}
			}
		})
	}
}

// TestInitialMessage: members beside the stream travel ahead of it in RPC
// protocols, also in requests.
func TestInitialMessage(t *testing.T) {
	type message struct {
		Token  string                      `aws:"token"`
		Events iter.Seq2[*allKinds, error] `aws:"events,eventstream"`
	}
	for _, p := range []api.Protocol{api.JSON, api.CBOR} {
		w := httptest.NewRecorder()
		if err := For(p).Encode(eventsOperation, w, &message{Token: "t", Events: stream(nil, everyEvent()...)}); err != nil {
			t.Fatal(err)
		}
		out := new(message)
		if err := DecodeResponse(p, eventsOperation, w.Result(), out); err != nil {
			t.Fatal(err)
		}
		if out.Token != "t" {
			t.Errorf("%s: token %q", p, out.Token)
		}
	}
}

// TestSignedEvents: a client's messages come in signed envelopes, the last of
// which is empty.
func TestSignedEvents(t *testing.T) {
	var inner, body bytes.Buffer
	encoder := eventstream.NewEncoder()
	seal := func(payload []byte) {
		err := encoder.Encode(&body, eventstream.Message{Payload: payload, Headers: eventstream.Headers{
			{Name: ":date", Value: eventstream.TimestampValue(time.UnixMilli(0))},
			{Name: ":chunk-signature", Value: eventstream.BytesValue("signature")},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := encoder.Encode(&inner, eventstream.Message{Payload: []byte("text"), Headers: eventstream.Headers{
		stringHeader(headerMessageType, messageEvent), stringHeader(headerEventType, "text"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	seal(inner.Bytes())
	seal(nil)
	out := new(eventsOutput)
	sh, s := planOf(out)
	if err := readEvents(&decoding{op: eventsOperation}, xmlNotation{}, io.NopCloser(&body), sh, sh.payload, s); err != nil {
		t.Fatal(err)
	}
	events, err := collect(out.Events)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*allKinds{{Text: &textEvent{Payload: "text"}}}, events); diff != "" {
		t.Error(diff)
	}
}

// flushes records how many messages each flush has let through.
type flushes struct {
	*httptest.ResponseRecorder
	sizes []int
	limit int
}

func (f *flushes) Flush() { f.sizes = append(f.sizes, f.Body.Len()) }

func (f *flushes) Write(b []byte) (int, error) {
	if f.limit > 0 && len(f.sizes) == f.limit {
		return 0, io.ErrClosedPipe
	}
	return f.ResponseRecorder.Write(b)
}

// TestEventsAreFlushed: each event leaves as it is yielded, and a client that
// has gone ends the stream.
func TestEventsAreFlushed(t *testing.T) {
	yielded, ended := 0, false
	events := func(yield func(*allKinds, error) bool) {
		defer func() { ended = true }()
		for _, e := range everyEvent() {
			yielded++
			if !yield(e, nil) {
				return
			}
		}
	}
	w := &flushes{ResponseRecorder: httptest.NewRecorder()}
	if err := For(api.RESTJSON).Encode(eventsOperation, w, &eventsOutput{Events: events}); err != nil {
		t.Fatal(err)
	}
	if len(w.sizes) != len(everyEvent()) {
		t.Errorf("%d events, flushed at %v", len(everyEvent()), w.sizes)
	}
	yielded, ended = 0, false
	w = &flushes{ResponseRecorder: httptest.NewRecorder(), limit: 1}
	err := For(api.RESTJSON).Encode(eventsOperation, w, &eventsOutput{Events: events})
	if !errors.Is(err, io.ErrClosedPipe) || yielded != 2 || !ended {
		t.Errorf("error %v after %d events, ended %v", err, yielded, ended)
	}
}

// closing says whether a body was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// readStream reads body as the events of a REST XML answer.
func readStream(body io.Reader) ([]*allKinds, *closing, error) {
	c := &closing{Reader: body}
	out := new(eventsOutput)
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: c, ContentLength: -1}
	if err := DecodeResponse(api.RESTXML, eventsOperation, resp, out); err != nil {
		return nil, c, err
	}
	events, err := collect(out.Events)
	return events, c, err
}

func TestMalformedEvents(t *testing.T) {
	var good bytes.Buffer
	err := eventstream.NewEncoder().Encode(&good, eventstream.Message{Payload: []byte("text"), Headers: eventstream.Headers{
		stringHeader(headerMessageType, messageEvent), stringHeader(headerEventType, "text"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if events, body, err := readStream(bytes.NewReader(good.Bytes())); len(events) != 1 || err != nil || !body.closed {
		t.Fatalf("%d events, error %v, closed %v", len(events), err, body.closed)
	}
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good.Bytes())) }
	length := func(total, headers uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, total), headers)
	}
	for name, body := range map[string][]byte{
		"cut in the prelude":       good.Bytes()[:5],
		"cut in the headers":       good.Bytes()[:20],
		"cut before the checksum":  good.Bytes()[:good.Len()-2],
		"a changed payload":        change(func(b []byte) []byte { b[good.Len()-6] ^= 1; return b }),
		"a changed length":         change(func(b []byte) []byte { b[3] ^= 1; return b }),
		"four gigabytes":           length(1<<32-1, 0),
		"shorter than its headers": length(20, 16),
		"shorter than itself":      length(3, 0),
		"text":                     []byte("HTTP/1.1 200 OK\r\n\r\n"),
	} {
		if events, _, err := readStream(bytes.NewReader(body)); err == nil || len(events) > 0 {
			t.Errorf("%s: %d events, error %v", name, len(events), err)
		}
	}
}

// FuzzEvents: no bytes panic the reader, and none make it hold more than was sent.
func FuzzEvents(f *testing.F) {
	w := httptest.NewRecorder()
	if err := For(api.RESTXML).Encode(eventsOperation, w, &eventsOutput{Events: stream(&failedEvent{}, everyEvent()...)}); err != nil {
		f.Fatal(err)
	}
	f.Add(w.Body.Bytes())
	f.Add([]byte("\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, _, err := readStream(bytes.NewReader(body))
		if len(events) > len(body)/eventOverhead {
			t.Errorf("%d events of %d bytes, error %v", len(events), len(body), err)
		}
	})
}
