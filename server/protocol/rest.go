package protocol

import (
	"fmt"
	"net/http"

	"github.com/virga-cloud/virga/api"
)

type rest struct{ notation notation }

func (c rest) Decode(op *api.Operation, r *http.Request, labels map[string]string, in any) (api.Presence, error) {
	return nil, fmt.Errorf("not yet")
}
func (c rest) Encode(op *api.Operation, w http.ResponseWriter, out any) error {
	return fmt.Errorf("not yet")
}
func (c rest) EncodeError(op *api.Operation, svc *api.Service, w http.ResponseWriter, err error, requestID string) {
}
