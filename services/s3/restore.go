package s3

import (
	"context"
	"strconv"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/lifecycle"
	"github.com/virga-cloud/virga/storage"
)

// Archived objects are read through a copy that is made on request, takes its
// time and is kept for some days. Nothing is copied here: what can be read is a
// matter of the clock, and only the events are work (see restoring.go).
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html

// restoration is what the record of an archived object says of its copy.
// Times are in milliseconds since 1970.
type restoration struct {
	// Ready is when the copy can be read, Until when it goes.
	Ready int64 `cbor:"1,keyasint"`
	Until int64 `cbor:"2,keyasint"`
	// Told says that its being ready has been told.
	Told bool `cbor:"3,keyasint,omitempty"`
}

func (r *restoration) ready(now time.Time) bool { return now.UnixMilli() >= r.Ready }
func (r *restoration) gone(now time.Time) bool  { return now.UnixMilli() >= r.Until }

// retrieval is how long a tier takes to restore from a class: the least that AWS
// says of it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html
var retrieval = map[s3.StorageClass]map[s3.Tier]time.Duration{
	s3.StorageClassGlacier: {
		s3.TierExpedited: time.Minute, s3.TierStandard: 3 * time.Hour, s3.TierBulk: 5 * time.Hour,
	},
	s3.StorageClassDeepArchive: {s3.TierStandard: 12 * time.Hour, s3.TierBulk: 48 * time.Hour},
}

// unreadable says that an object is archived and has no copy that can be read.
func (s *Service) unreadable(o *object) bool {
	if !o.archived() || o.Restore == nil {
		return o.archived()
	}
	now := s.env.Clock.Now()
	return !o.Restore.ready(now) || o.Restore.gone(now)
}

// header is x-amz-restore.
func (r *restoration) header(now time.Time) string {
	switch {
	case r == nil || r.gone(now):
		return ""
	case !r.ready(now):
		return `ongoing-request="true"`
	}
	return `ongoing-request="false", expiry-date="` + httpDate(time.UnixMilli(r.Until)) + `"`
}

// status is what listings show of it to who asks for it.
func (r *restoration) status(now time.Time) *s3.RestoreStatus {
	switch {
	case r == nil || r.gone(now):
		return nil
	case !r.ready(now):
		return &s3.RestoreStatus{IsRestoreInProgress: new(true)}
	}
	return &s3.RestoreStatus{IsRestoreInProgress: new(false), RestoreExpiryDate: time.UnixMilli(r.Until).UTC()}
}

// restoreObject asks for a copy of an archived object, for one that is under
// way sooner, or for one that is there longer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
func (s *Service) restoreObject(ctx context.Context, in *s3.RestoreObjectInput) (*s3.RestoreObjectOutput, error) {
	days, tier, err := prepareRestore(in.RestoreRequest)
	if err != nil {
		return nil, err
	}
	now := api.CallFrom(ctx).Time
	out := &s3.RestoreObjectOutput{}
	r := objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner}
	_, err = s.changeRecord("POST", r, func(tx storage.Tx, b *bucket, o *object) error {
		takes, ok := retrieval[s3.StorageClass(o.Class)][tier]
		switch {
		case !o.archived():
			return errRestoreNotAllowed()
		case !ok:
			return errInvalidArgument("Tier", string(tier), "Retrieval option is not supported by this storage class")
		}
		ready := now.Add(takes)
		out.StatusCode = new(int32(202))
		switch had := o.Restore; {
		case had == nil || had.gone(now):
			o.Restore = &restoration{Ready: ready.UnixMilli()}
		case had.ready(now):
			out.StatusCode = new(int32(200))
			o.Restore = &restoration{Ready: had.Ready, Told: had.Told}
			ready = now
		case ready.UnixMilli() < had.Ready:
			o.Restore = &restoration{Ready: ready.UnixMilli()}
		default:
			return errRestoreInProgress()
		}
		o.Restore.Until = lifecycle.Midnight(ready.AddDate(0, 0, days)).UnixMilli()
		if err := s.remind(tx, b, in.Key, o); err != nil {
			return err
		}
		if *out.StatusCode == 200 {
			return nil
		}
		return s.emit(ctx, tx, b, eventRestore, in.Key, o)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// prepareRestore finds the errors in a request.
func prepareRestore(r *s3.RestoreRequest) (days int, tier s3.Tier, err error) {
	switch {
	case r == nil:
		return 0, "", errMalformedXML()
	case r.Type != "" || r.SelectParameters != nil || r.OutputLocation != nil:
		return 0, "", errSelectRestore()
	case r.Days == nil:
		return 0, "", errMalformedXML()
	case *r.Days < 1:
		return 0, "", errInvalidArgument("Days", strconv.Itoa(int(*r.Days)), "restoration days should be at least 1")
	}
	tier = r.Tier
	if r.GlacierJobParameters != nil {
		tier = r.GlacierJobParameters.Tier
	}
	switch tier {
	case "":
		tier = s3.TierStandard
	case s3.TierStandard, s3.TierBulk, s3.TierExpedited:
	default:
		return 0, "", errMalformedXML()
	}
	return int(*r.Days), tier, nil
}
