package protocol

import (
	"fmt"
	"github.com/virga-cloud/virga/api"
)

type xmlNotation struct{}

func (xmlNotation) contentType(op *api.Operation) string { return "" }
func (xmlNotation) decode(d *decoding, data []byte, sh *shape, s slot) error {
	return fmt.Errorf("not yet")
}
func (xmlNotation) decodePayload(d *decoding, data []byte, m *member, s slot) error {
	return fmt.Errorf("not yet")
}
func (xmlNotation) encode(e *encoding, sh *shape, s slot) error { return fmt.Errorf("not yet") }
func (xmlNotation) encodePayload(e *encoding, m *member, s slot) error {
	return fmt.Errorf("not yet")
}
