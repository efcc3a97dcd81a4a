package s3

import (
	"context"
	"errors"
	"reflect"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// payable lets an operation tell requesters who offer to pay that they did,
// where the bucket has them pay. That others must offer it is for who
// decides what callers may do.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html
func (s *Service) payable(h api.Handler) api.Handler {
	in, out := reflect.TypeOf(h.NewInput()).Elem(), reflect.TypeOf(h.NewOutput()).Elem()
	payer, offers := in.FieldByName("RequestPayer")
	bucket, named := in.FieldByName("Bucket")
	charged, tells := out.FieldByName("RequestCharged")
	switch {
	case !offers:
		return h
	case !named || !tells: // the answer has no place for it
		return h.WithoutEffect("RequestPayer")
	}
	call := h.Call
	h.Call = func(ctx context.Context, in any) (any, error) {
		v := reflect.ValueOf(in).Elem()
		if v.FieldByIndex(payer.Index).String() != string(s3.RequestPayerRequester) {
			return call(ctx, in)
		}
		pays, err := s.requesterPays(v.FieldByIndex(bucket.Index).String())
		if err != nil {
			return nil, err
		}
		answer, err := call(ctx, in)
		if err == nil && pays {
			reflect.ValueOf(answer).Elem().FieldByIndex(charged.Index).SetString(string(s3.RequestChargedRequester))
		}
		return answer, err
	}
	return h
}

// requesterPays says whether a bucket has its requesters pay. One that is gone has not.
func (s *Service) requesterPays(name string) (pays bool, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.buckets.Get(tx, keyBucket(name))
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		p, err := s.settings.payment.of(tx, b)
		pays = p != nil && p.Payer == s3.PayerRequester
		return err
	})
	return pays, err
}
