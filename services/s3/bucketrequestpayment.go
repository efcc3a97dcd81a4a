package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// payment is who pays for requests.
type payment struct {
	Payer s3.Payer `cbor:"1,keyasint"`
}

func (s *Service) getBucketRequestPayment(_ context.Context, in *s3.GetBucketRequestPaymentInput) (*s3.GetBucketRequestPaymentOutput, error) {
	p, err := s.settings.payment.view(s, in.Bucket, in.ExpectedBucketOwner)
	if p == nil {
		p = &payment{s3.PayerBucketOwner}
	}
	return &s3.GetBucketRequestPaymentOutput{Payer: p.Payer}, err
}

func (s *Service) putBucketRequestPayment(_ context.Context, in *s3.PutBucketRequestPaymentInput) (*s3.PutBucketRequestPaymentOutput, error) {
	p := &payment{in.RequestPaymentConfiguration.Payer}
	if err := fault.Schema(p); err != nil {
		return nil, err
	}
	return &s3.PutBucketRequestPaymentOutput{}, s.settings.payment.put(s, in.Bucket, in.ExpectedBucketOwner, p, nil)
}
