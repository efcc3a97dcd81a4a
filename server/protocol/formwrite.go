package protocol

import (
	"github.com/virga-cloud/virga/api"
)

// encode writes the answer's envelope and in it the output.
func (n formNotation) encode(e *encoding, sh *shape, s slot) error {
	w := xmlWriter{buf: e.buf}
	envelope := e.op.Name + "Response"
	ns := e.op.Service.XMLNamespace
	if n.ec2 {
		w.times = xmlTimeMillis
		w.buf = append(w.buf, xmlDeclaration...)
		w.open(envelope, ns, "")
		w.text("requestId", e.requestID)
		w.members(sh, s)
	} else {
		w.open(envelope, ns, "")
		if result := resultWrapper(e.op, sh); result != "" {
			w.element(result, "", "", sh, s)
		}
		w.open("ResponseMetadata", "", "")
		w.text("RequestId", e.requestID)
		w.close("ResponseMetadata")
	}
	w.close(envelope)
	e.buf = w.buf
	return nil
}

// encodePayload never happens: the query protocols have no payloads.
func (n formNotation) encodePayload(e *encoding, m *member, s slot) error {
	panic("protocol: payload in a query protocol: " + e.op.String())
}

// resultWrapper is the element around a result. Models of services whose first
// protocol is another, such as SQS, have lost the name, which is always the
// same; an operation without output has no element.
func resultWrapper(op *api.Operation, sh *shape) string {
	if op.ResultWrapper == "" && len(sh.body) > 0 {
		return op.Name + "Result"
	}
	return op.ResultWrapper
}

// decodeAnswer reads what encode writes.
func (n formNotation) decodeAnswer(d *decoding, data []byte, sh *shape, s slot) error {
	return d.xmlDocument(data, func(r *xmlReader, _ []byte) error {
		if n.ec2 {
			return r.structure(sh, s)
		}
		result := resultWrapper(d.op, sh)
		for {
			more, err := r.child()
			if err != nil || !more {
				return err
			}
			if string(localName(r.name)) == result {
				err = r.structure(sh, s)
			} else {
				err = r.skip()
			}
			if err != nil {
				return err
			}
		}
	})
}
