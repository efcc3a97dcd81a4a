package protocol

import (
	"fmt"
	"github.com/virga-cloud/virga/api"
)

type jsonNotation struct{ rest bool }

func (jsonNotation) contentType(op *api.Operation) string { return "" }
func (jsonNotation) decode(d *decoding, data []byte, sh *shape, s slot) error {
	return fmt.Errorf("not yet")
}
func (jsonNotation) decodePayload(d *decoding, data []byte, m *member, s slot) error {
	return fmt.Errorf("not yet")
}
func (jsonNotation) encode(e *encoding, sh *shape, s slot) error { return fmt.Errorf("not yet") }
func (jsonNotation) encodePayload(e *encoding, m *member, s slot) error {
	return fmt.Errorf("not yet")
}

func appendJSONString(b []byte, s string) []byte { return fmt.Appendf(b, "%q", s) }
