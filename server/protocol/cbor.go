package protocol

import (
	"fmt"
	"github.com/virga-cloud/virga/api"
)

type cborNotation struct{}

func (cborNotation) contentType(op *api.Operation) string { return "" }
func (cborNotation) decode(d *decoding, data []byte, sh *shape, s slot) error {
	return fmt.Errorf("not yet")
}
func (cborNotation) decodePayload(d *decoding, data []byte, m *member, s slot) error {
	return fmt.Errorf("not yet")
}
func (cborNotation) encode(e *encoding, sh *shape, s slot) error { return fmt.Errorf("not yet") }
func (cborNotation) encodePayload(e *encoding, m *member, s slot) error {
	return fmt.Errorf("not yet")
}
