package protocol

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/virga-cloud/virga/api"
)

// The largest message and the largest headers that are read, as AWS's SDKs
// read them.
const (
	maxEventMessage = 24 << 20
	maxEventHeaders = 128 << 10
	// eventOverhead is what a message has beside headers and payload: two
	// lengths and two checksums.
	eventOverhead = 16
)

// errEventStream is what is wrong with bytes that are no messages.
var errEventStream = errors.New("malformed event stream")

// readEvents sets the event stream member m of the structure at s, of shape
// sh, to the events in body. In RPC protocols it waits for the first message,
// which holds the structure's other members. The events are read as they are
// asked for, once; body is closed when they end or are left.
func readEvents(d *decoding, n notation, body io.ReadCloser, sh *shape, m *member, s slot) error {
	er := &eventReader{
		op: d.op, response: d.response, notation: n, union: m.shape.elem,
		body: body, buffered: bufio.NewReader(body), decoder: eventstream.NewDecoder(),
	}
	if hasInitialMessage(n) {
		if err := er.initial(d, sh, s); err != nil {
			return err
		}
	}
	f := s.field(m).reflect(m.shape)
	f.Set(reflect.MakeFunc(m.shape.typ, func(args []reflect.Value) []reflect.Value {
		yield := args[0]
		errType := yield.Type().In(1)
		defer body.Close()
		for {
			event, err := er.next()
			if err == io.EOF {
				return nil
			}
			first, second := reflect.Zero(yield.Type().In(0)), reflect.Zero(errType)
			if err != nil {
				second = reflect.ValueOf(err).Convert(errType)
			} else {
				first = reflect.NewAt(er.union.typ, event.p)
			}
			if more := yield.Call([]reflect.Value{first, second}); !more[0].Bool() || err != nil {
				return nil
			}
		}
	}))
	return nil
}

// eventReader reads the messages of one stream.
type eventReader struct {
	op       *api.Operation
	response bool
	notation notation
	union    *shape
	body     io.ReadCloser
	buffered *bufio.Reader
	decoder  *eventstream.Decoder
}

// message is the next message, or io.EOF after the last. The messages that a
// client signs are taken out of their envelopes; an empty one is the last.
func (r *eventReader) message() (eventstream.Message, error) {
	msg, err := readMessage(r.decoder, r.buffered)
	if err != nil || msg.Headers.Get(headerSignature) == nil {
		return msg, err
	}
	if len(msg.Payload) == 0 {
		return msg, io.EOF
	}
	inner := bufio.NewReader(bytes.NewReader(msg.Payload))
	if msg, err = readMessage(r.decoder, inner); err == io.EOF || err == nil && inner.Buffered() > 0 {
		err = errEventStream
	}
	return msg, err
}

// readMessage checks a message's lengths before the decoder believes them.
func readMessage(decoder *eventstream.Decoder, r *bufio.Reader) (eventstream.Message, error) {
	prelude, err := r.Peek(8)
	if err == io.EOF && len(prelude) > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return eventstream.Message{}, err
	}
	length, headers := binary.BigEndian.Uint32(prelude), binary.BigEndian.Uint32(prelude[4:])
	if length < eventOverhead || length > maxEventMessage || headers > maxEventHeaders || headers > length-eventOverhead {
		return eventstream.Message{}, errEventStream
	}
	msg, err := decoder.Decode(r, nil)
	switch err {
	case nil:
		return msg, nil
	case io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return eventstream.Message{}, fmt.Errorf("%w: %w", errEventStream, err)
}

// stringOf is a header's value, "" when it is missing or no string.
func stringOf(msg eventstream.Message, header string) string {
	if v := msg.Headers.Get(header); v != nil {
		if s, ok := v.Get().(string); ok {
			return s
		}
	}
	return ""
}

func (r *eventReader) initial(d *decoding, sh *shape, s slot) error {
	want := initialRequest
	if r.response {
		want = initialResponse
	}
	msg, err := r.message()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if stringOf(msg, headerEventType) != want {
		return fmt.Errorf("%w: no %s", errEventStream, want)
	}
	return r.notation.decode(d, msg.Payload, sh, s)
}

// next is the next event, or the error that the stream ends with.
func (r *eventReader) next() (slot, error) {
	for {
		msg, err := r.message()
		if err != nil {
			return slot{}, err
		}
		switch stringOf(msg, headerMessageType) {
		case messageEvent:
			m := r.member(stringOf(msg, headerEventType))
			if m == nil {
				// An event that the model does not know yet.
				continue
			}
			return r.event(m, msg)
		case messageException:
			name := stringOf(msg, headerExceptionType)
			m := r.member(name)
			if m == nil {
				return slot{}, api.Errorf(name, http.StatusBadRequest, "%s", msg.Payload)
			}
			s, err := r.event(m, msg)
			if err != nil {
				return slot{}, err
			}
			if err, ok := s.field(m).reflect(m.shape).Interface().(error); ok {
				return slot{}, err
			}
			return s, nil
		case messageError:
			return slot{}, api.Errorf(stringOf(msg, headerErrorCode), http.StatusInternalServerError,
				"%s", stringOf(msg, headerErrorMessage))
		default:
			return slot{}, fmt.Errorf("%w: unknown %s", errEventStream, headerMessageType)
		}
	}
}

// member is the union's member of the given name, or nil.
func (r *eventReader) member(name string) *member {
	for _, m := range r.union.members {
		if m.name == name {
			return m
		}
	}
	return nil
}

// event is a new union with the member m, of which the message is made.
func (r *eventReader) event(m *member, msg eventstream.Message) (slot, error) {
	s := newValue(r.union)
	at := s.field(m).makeTarget(m.shape)
	event := m.shape.elem
	for _, bound := range event.bound {
		if v := msg.Headers.Get(bound.wire); v != nil {
			if err := setEventHeader(bound.shape, at.field(bound), v); err != nil {
				return slot{}, err
			}
		}
	}
	d := decoding{op: r.op, response: r.response}
	switch p := event.payload; {
	case p == nil:
		return s, r.notation.decodePayload(&d, msg.Payload, m, s)
	case p.shape.kind == kindBlob:
		*at.field(p).blob() = append([]byte{}, msg.Payload...)
		return s, nil
	case p.shape.kind == kindString:
		*at.field(p).string() = string(msg.Payload)
		return s, nil
	default:
		return s, r.notation.decodePayload(&d, msg.Payload, p, at)
	}
}
