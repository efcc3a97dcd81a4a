package protocol

import (
	"fmt"
	"net/http"

	"github.com/virga-cloud/virga/api"
)

type rpc struct{ notation notation }

func (c rpc) Decode(op *api.Operation, r *http.Request, labels map[string]string, in any) (api.Presence, error) {
	return nil, fmt.Errorf("not yet")
}
func (c rpc) Encode(op *api.Operation, w http.ResponseWriter, out any) error {
	return fmt.Errorf("not yet")
}
func (c rpc) EncodeError(op *api.Operation, svc *api.Service, w http.ResponseWriter, err error, requestID string) {
}
