package protocol

import (
	"fmt"
	"github.com/virga-cloud/virga/api"
)

type formNotation struct{ ec2 bool }

func (formNotation) contentType(op *api.Operation) string { return "" }
func (formNotation) decode(d *decoding, data []byte, sh *shape, s slot) error {
	return fmt.Errorf("not yet")
}
func (formNotation) decodePayload(d *decoding, data []byte, m *member, s slot) error {
	return fmt.Errorf("not yet")
}
func (formNotation) encode(e *encoding, sh *shape, s slot) error { return fmt.Errorf("not yet") }
func (formNotation) encodePayload(e *encoding, m *member, s slot) error {
	return fmt.Errorf("not yet")
}
