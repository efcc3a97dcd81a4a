// Package events carries facts between services: "deliver this payload to this
// ARN". A delivery is written in the transaction of the change that it tells
// of, so that it exists exactly when the change does; a worker delivers it
// at least once, retries with backoff, and gives what could not be delivered
// to its dead-letter target. Nothing is lost silently.
package events

import (
	"context"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/storage"
)

// Delivery is one payload on its way to one ARN.
type Delivery struct {
	// ID identifies the delivery; Send sets it.
	ID string
	// Target is the ARN of the resource that receives it.
	Target string
	// Principal is on whose behalf it is made: for S3 notifications the service
	// s3.amazonaws.com with the bucket as source.
	Principal api.Principal
	// Payload is the body, as the target receives it.
	Payload []byte
	// Attributes are for the target's service: message attributes, a group
	// id, an invocation's client context. Their names are the target's to define.
	Attributes map[string]string
	// DeadLetter is the ARN that receives what could not be delivered ("" none).
	DeadLetter string
	// Attempt counts from 1.
	Attempt int
	// Sent is when it was sent; NotBefore is the earliest time of the next attempt.
	Sent, NotBefore time.Time
	// LastError says why the last attempt failed.
	LastError string
}

// Sender accepts deliveries.
type Sender interface {
	// Send writes d in the caller's transaction. It is attempted once that
	// transaction is committed, and not before d.NotBefore.
	Send(tx storage.Tx, d Delivery) error
}

// Deliverer is a service that takes deliveries for its ARNs.
type Deliverer interface {
	// Deliver hands d over. An error made by Retry is tried again when it
	// says; one made by Drop is final, and goes to the dead letter when there is one;
	// any other is retried with the default backoff until it is given up.
	Deliver(ctx context.Context, d *Delivery) error
}
