package protocol

import (
	"fmt"
	"io"
	"net/http"
)

// writeEvents streams the event stream member m of the structure at s.
func writeEvents(e *encoding, n notation, w http.ResponseWriter, sh *shape, m *member, s slot) error {
	return fmt.Errorf("not yet")
}

// readEvents sets the event stream member m of the structure at s to the events in body.
func readEvents(d *decoding, n notation, body io.ReadCloser, m *member, s slot) error {
	return fmt.Errorf("not yet")
}
