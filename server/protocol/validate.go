package protocol

import (
	"github.com/virga-cloud/virga/api"
)

// Validate checks an input against its model.
func Validate(svc *api.Service, op *api.Operation, in any, p api.Presence) error { return nil }
