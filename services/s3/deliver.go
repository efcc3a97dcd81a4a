package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/events"
)

// attrKey is the attribute of a delivery that is to become an object: its key. A
// delivery without it is an order to copy (see replicate.go).
const attrKey = "key"

// errNoOrder is the error of what was sent to a bucket and is neither.
var errNoOrder = errors.New("what was delivered to the bucket is no order to copy, and has no key")

// Deliver implements events.Deliverer: it makes an object of what another service has
// sent, or a copy that was ordered.
func (s *Service) Deliver(ctx context.Context, d *events.Delivery) error {
	bucket, err := api.ParseARN(d.Target)
	if err != nil {
		return events.Drop(err)
	}
	if key := d.Attributes[attrKey]; key != "" {
		return s.deliverObject(ctx, d, bucket.Resource, key)
	}
	var order copyOrder
	if err := json.Unmarshal(d.Payload, &order); err != nil {
		return events.Drop(err)
	}
	if order.Bucket == "" {
		return events.Drop(errNoOrder)
	}
	return s.deliverCopy(ctx, &order, bucket.Resource)
}

// deliverObject puts a payload. Delivered twice it is the same object twice.
func (s *Service) deliverObject(ctx context.Context, d *events.Delivery, bucket, key string) error {
	b, err := s.viewBucket(bucket, "")
	if err == nil {
		_, err = s.putObject(api.WithCall(ctx, &api.Call{
			Account: d.Principal.Account, Region: b.Region, Principal: d.Principal,
			RequestID: s.env.IDs.UUID(), Time: s.env.Clock.Now(), SourceIP: d.Principal.Service,
		}), &s3.PutObjectInput{
			Bucket: bucket, Key: key, Body: io.NopCloser(bytes.NewReader(d.Payload)), ContentLength: new(int64(len(d.Payload))),
		})
	}
	if _, refused := errors.AsType[*api.Error](err); refused {
		return events.Drop(err)
	}
	return err
}
