package protocol

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/virga-cloud/virga/api"
)

// The headers of messages, and the names they hold.
// https://smithy.io/2.0/aws/amazon-eventstream.html
const (
	eventContentType = "application/vnd.amazon.eventstream"

	headerMessageType   = ":message-type"
	headerEventType     = ":event-type"
	headerExceptionType = ":exception-type"
	headerContentType   = ":content-type"
	headerErrorCode     = ":error-code"
	headerErrorMessage  = ":error-message"
	headerSignature     = ":chunk-signature"

	messageEvent     = "event"
	messageException = "exception"
	messageError     = "error"

	initialRequest  = "initial-request"
	initialResponse = "initial-response"
)

// writeEvents streams the event stream member m of the structure at s, an
// output of shape sh: one message for each event, flushed as it comes. In RPC
// protocols the other members go ahead in an initial-response. An error that
// the stream yields is its last message.
//
// It returns what went wrong with the connection, and errors of the stream
// that are the service's fault, for the log.
func writeEvents(e *encoding, n notation, w http.ResponseWriter, status int, sh *shape, m *member, s slot) error {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", eventContentType)
	}
	w.WriteHeader(status)
	ew := eventWriter{
		e: e, notation: n, w: w, union: m.shape.elem,
		control: http.NewResponseController(w), encoder: eventstream.NewEncoder(),
	}
	if hasInitialMessage(n) {
		if err := ew.initial(sh, s); err != nil {
			return err
		}
	}
	events := s.field(m)
	if events.absent(m.shape) {
		return ew.control.Flush()
	}
	for event, failure := range events.reflect(m.shape).Seq2() {
		if err, _ := failure.Interface().(error); err != nil {
			return ew.failure(err)
		}
		if event.IsNil() {
			return ew.failure(errors.New("the stream yielded neither event nor error"))
		}
		if err := ew.event(slot{event.UnsafePointer()}); err != nil {
			return err
		}
	}
	return nil
}

// hasInitialMessage says whether the members beside a stream travel in it: in
// RPC protocols they do, and REST binds them to headers.
func hasInitialMessage(n notation) bool {
	switch n := n.(type) {
	case jsonNotation:
		return !n.rest
	case xmlNotation:
		return false
	}
	return true
}

// eventWriter writes the messages of one stream.
type eventWriter struct {
	e        *encoding
	notation notation
	w        http.ResponseWriter
	control  *http.ResponseController
	encoder  *eventstream.Encoder
	union    *shape
}

func (w *eventWriter) send(payload []byte, headers ...eventstream.Header) error {
	if err := w.encoder.Encode(w.w, eventstream.Message{Headers: headers, Payload: payload}); err != nil {
		return err
	}
	return w.control.Flush()
}

func stringHeader(name, value string) eventstream.Header {
	return eventstream.Header{Name: name, Value: eventstream.StringValue(value)}
}

func (w *eventWriter) initial(sh *shape, s slot) error {
	w.e.buf = w.e.buf[:0]
	if err := w.notation.encode(w.e, sh, s); err != nil {
		return err
	}
	return w.send(w.e.buf, stringHeader(headerEventType, initialResponse),
		stringHeader(headerContentType, w.contentType()), stringHeader(headerMessageType, messageEvent))
}

// contentType is that of payloads in the notation. S3 documents text/xml,
// while its other bodies are application/xml.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
func (w *eventWriter) contentType() string {
	if _, ok := w.notation.(xmlNotation); ok {
		return "text/xml"
	}
	return w.notation.contentType(w.e.op)
}

// event writes the one member of the union at s that is set.
func (w *eventWriter) event(s slot) error {
	for _, m := range w.union.members {
		if s.field(m).absent(m.shape) {
			continue
		}
		if !m.event {
			return w.message(m, s, stringHeader(headerMessageType, messageException), stringHeader(headerExceptionType, m.name))
		}
		return w.message(m, s, stringHeader(headerMessageType, messageEvent), stringHeader(headerEventType, m.name))
	}
	return w.failure(errors.New("the stream yielded an event without a member"))
}

// message writes the member m of the union at s, a structure: those of its
// members that are event headers, and its payload member or all the others.
func (w *eventWriter) message(m *member, s slot, headers ...eventstream.Header) error {
	w.e.buf = w.e.buf[:0]
	event := m.shape.elem
	at, _ := s.field(m).target()
	for _, bound := range event.bound {
		if f := at.field(bound); !f.absent(bound.shape) {
			headers = append(headers, eventstream.Header{Name: bound.wire, Value: eventHeader(bound.shape, f)})
		}
	}
	contentType := ""
	switch p := event.payload; {
	case p == nil && len(event.body) > 0:
		contentType = w.contentType()
		if err := w.notation.encodePayload(w.e, m, s); err != nil {
			return err
		}
	case p == nil:
	case p.shape.kind == kindBlob:
		contentType = "application/octet-stream"
		w.e.buf = append(w.e.buf, *at.field(p).blob()...)
	case p.shape.kind == kindString:
		contentType = "text/plain"
		w.e.buf = append(w.e.buf, *at.field(p).string()...)
	default:
		contentType = w.contentType()
		if err := w.notation.encodePayload(w.e, p, at); err != nil {
			return err
		}
	}
	if contentType != "" {
		headers = append(headers, stringHeader(headerContentType, contentType))
	}
	return w.send(w.e.buf, headers...)
}

// eventHeader is the value of a member that is an event header.
func eventHeader(sh *shape, s slot) eventstream.Value {
	switch sh.kind {
	case kindString:
		return eventstream.StringValue(*s.string())
	case kindBlob:
		return eventstream.BytesValue(*s.blob())
	case kindTime:
		return eventstream.TimestampValue(*s.time())
	case kindPointer:
		target, _ := s.target()
		return eventHeader(sh.elem, target)
	case kindBool:
		return eventstream.BoolValue(*s.bool())
	case kindInt32:
		return eventstream.Int32Value(*s.int32())
	case kindInt64:
		return eventstream.Int64Value(*s.int64())
	}
	panic("protocol: an event header cannot be a " + sh.typ.String())
}

// failure ends the stream with err: an exception where the union has it, an
// error with a code otherwise.
func (w *eventWriter) failure(err error) error {
	var modelled api.ModelledError
	if errors.As(err, &modelled) {
		v := reflect.ValueOf(modelled)
		for _, m := range w.union.members {
			if m.shape.typ == v.Type() {
				union := newValue(w.union)
				union.field(m).reflect(m.shape).Set(v)
				return w.event(union)
			}
		}
		return w.error(modelled.Shape().Name, modelled.Error())
	}
	var plain *api.Error
	if errors.As(err, &plain) {
		return w.error(plain.Code, plain.Message)
	}
	internal := internalError(w.e.op.Service)
	return errors.Join(fmt.Errorf("event stream: %w", err), w.error(internal.Code, internal.Message))
}

func (w *eventWriter) error(code, message string) error {
	return w.send(nil, stringHeader(headerMessageType, messageError),
		stringHeader(headerErrorCode, code), stringHeader(headerErrorMessage, message))
}

// setEventHeader sets the member at s from an event header, if it is of its kind.
func setEventHeader(sh *shape, s slot, v eventstream.Value) error {
	if sh.kind == kindPointer {
		return setEventHeader(sh.elem, s.makeTarget(sh), v)
	}
	ok := false
	switch v := v.Get().(type) {
	case string:
		if ok = sh.kind == kindString; ok {
			*s.string() = v
		}
	case []byte:
		if ok = sh.kind == kindBlob; ok {
			*s.blob() = v
		}
	case time.Time:
		if ok = sh.kind == kindTime; ok {
			*s.time() = v.UTC()
		}
	case bool:
		if ok = sh.kind == kindBool; ok {
			*s.bool() = v
		}
	case int32:
		if ok = sh.kind == kindInt32; ok {
			*s.int32() = v
		}
	case int64:
		if ok = sh.kind == kindInt64; ok {
			*s.int64() = v
		}
	}
	if !ok {
		return fmt.Errorf("event header of the wrong type: %v", v)
	}
	return nil
}
