// Package s3 is Amazon S3: buckets with their configurations, objects with their
// versions, multipart uploads, listings and notifications, and what becomes of objects
// with time.
//
// # Vocabulary
//
// A bucket has an id besides its name, under which everything in it is kept.
// An object is a record of what is known of it and a body: a list of blobs.
// A version is an object, or a delete marker in the place of one; the newest version
// of a key is its head, and the one that has no id is null. A lock keeps one from being deleted.
// An upload is a multipart upload under way; when it is completed its parts'
// blobs become the object's body, and when it ends its parts are swept away.
// A promise is what a request says of the bytes that it sends, and a digest
// holds them to it. A seal keeps bytes from who does not have their key.
// A setting is a configuration of a bucket, a record of its own. A grant lets somebody at an object or a bucket.
// Objects age by the rules of a lifecycle configuration, and are copied by those of replication.
//
// # Where things are
//
// The files bucket*.go hold a configuration each, which setting.go and collection.go
// keep. How objects are kept is in object.go, version.go and body.go; what is done
// with them in put.go, receive.go, get.go, copy*.go, delete.go, multipart.go and complete.go; how they are
// found in list*.go. What nobody waits for is started by background.go: ageing*.go, restoring.go, logging.go
// and sweep.go; copies (replicate.go) are deliveries to the bucket that they go to (deliver.go).
// Rules that need no store are packages of their own, of which fault words the errors.
//
// # Powers and limits
//
// Bodies are written before, and apart from, the transaction that makes them an
// object together with its event; one that does not arrive whole is never
// seen. Bytes are copied only where S3 needs them read: copies share blobs.
//
// A page of a listing costs the same in a large bucket as in a small one. Keys that were
// deleted are in the way of the pages that begin before them, and of DeleteBucket,
// until the store has sorted them out, when nothing is written for some seconds: 0.3 s for a million.
//
// Bucket names are unique among all accounts. Hosts that name a region answer for
// its buckets and redirect from others; any other host answers for all. Who may do what is the server's to decide; the
// service keeps what it decides by: owners, access control lists, policies and blocks.
// Websites are open to everybody.
//
// What falls due by the clock is done then, and tried again where it fails. Archived
// objects are archived in name: their bytes stay where they are, and are not given out
// until they count as restored. Inventories, analyses, metrics and access tiers are kept
// and never carried out. There is no MFA delete, there are neither directory buckets nor
// access points, nor anything that Operations does not list; what asks for them is refused.
//
// Objects under S3's own keys (AES256) are kept as they are: no client of AWS can
// tell whether they are encrypted at rest. Those under keys of customers and of KMS
// are sealed. There is no KMS: keys are made when they are named, and kept in
// the store beside what they seal. Customers' keys are taken over plain HTTP too,
// where AWS demands TLS, and DSSE is one layer of encryption.
package s3

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Service is S3.
type Service struct {
	env       service.Env
	buckets   *storage.Cache[bucket]
	objects   *storage.Cache[object] // of who only looks
	functions Functions
	ageing    ageing
	logs      logs
	bell      service.Bell  // makes Run look at once whether there is something to do
	working   sync.Mutex    // held by who does background work
	last      atomic.Uint64 // the last sequence that was given
	settings  settings
}

// New is the service.
func New(env service.Env) *Service {
	return &Service{
		env: env, buckets: storage.NewCache[bucket](4096), objects: storage.NewCache[object](1024), settings: newSettings(),
	}
}

// Notify gives the service the functions that buckets may notify. Until then
// it knows none, and refuses configurations that name one. It is called before the
// service is used: functions read their code from buckets, so neither can be
// made with the other.
func (s *Service) Notify(f Functions) { s.functions = f }

// Model implements service.Service.
func (s *Service) Model() *api.Model { return &s3.Model }

// GetObject reads an object for another service, on behalf of the call's principal.
func (s *Service) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	return s.getObject(ctx, in)
}

// PutObject stores an object for another service, as GetObject reads one.
func (s *Service) PutObject(ctx context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	return s.putObject(ctx, in)
}

// ListObjectsV2 lists objects for another service, as GetObject reads one.
func (s *Service) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	return s.listObjectsV2(ctx, in)
}

// Operations implements service.Service.
func (s *Service) Operations() []api.Handler {
	operations := []api.Handler{
		s3.CreateBucket.Handle(s.createBucket),
		s3.DeleteBucket.Handle(s.deleteBucket),
		s3.GetBucketLocation.Handle(s.getBucketLocation),
		s3.HeadBucket.Handle(s.headBucket),
		s3.ListBuckets.Handle(s.listBuckets),

		s3.GetBucketAccelerateConfiguration.Handle(s.getBucketAccelerateConfiguration),
		s3.GetBucketAcl.Handle(s.getBucketACL),
		s3.GetBucketCors.Handle(s.getBucketCORS),
		s3.GetBucketEncryption.Handle(s.getBucketEncryption),
		s3.GetBucketLifecycleConfiguration.Handle(s.getBucketLifecycle),
		s3.GetBucketLogging.Handle(s.getBucketLogging),
		s3.GetBucketOwnershipControls.Handle(s.getBucketOwnershipControls),
		s3.GetBucketPolicy.Handle(s.getBucketPolicy),
		s3.GetBucketPolicyStatus.Handle(s.getBucketPolicyStatus),
		s3.GetBucketReplication.Handle(s.getBucketReplication),
		s3.GetBucketRequestPayment.Handle(s.getBucketRequestPayment),
		s3.GetBucketWebsite.Handle(s.getBucketWebsite),
		s3.GetPublicAccessBlock.Handle(s.getPublicAccessBlock),

		s3.DeleteBucketPolicy.Handle(s.deleteBucketPolicy),
		s3.PutBucketPolicy.Handle(s.putBucketPolicy).WithoutEffect("ConfirmRemoveSelfBucketAccess", "Policy"),
		s3.DeleteBucketOwnershipControls.Handle(s.deleteBucketOwnershipControls),
		s3.DeletePublicAccessBlock.Handle(s.deletePublicAccessBlock),
		s3.PutBucketAcl.Handle(s.putBucketACL),
		s3.PutBucketOwnershipControls.Handle(s.putBucketOwnershipControls),
		s3.PutPublicAccessBlock.Handle(s.putPublicAccessBlock),

		s3.DeleteBucketCors.Handle(s.deleteBucketCORS),
		s3.DeleteBucketEncryption.Handle(s.deleteBucketEncryption),
		s3.DeleteBucketLifecycle.Handle(s.deleteBucketLifecycle),
		s3.DeleteBucketReplication.Handle(s.deleteBucketReplication),
		s3.PutBucketReplication.Handle(s.putBucketReplication).WithoutEffect("Token"),
		s3.DeleteBucketWebsite.Handle(s.deleteBucketWebsite),
		s3.PutBucketCors.Handle(s.putBucketCORS),
		s3.PutBucketEncryption.Handle(s.putBucketEncryption),
		s3.PutBucketLifecycleConfiguration.Handle(s.putBucketLifecycle),
		s3.PutBucketLogging.Handle(s.putBucketLogging),
		s3.PutBucketWebsite.Handle(s.putBucketWebsite),

		s3.DeleteBucketInventoryConfiguration.Handle(s.deleteBucketInventory),
		s3.GetBucketInventoryConfiguration.Handle(s.getBucketInventory),
		s3.ListBucketInventoryConfigurations.Handle(s.listBucketInventory),
		s3.PutBucketInventoryConfiguration.Handle(s.putBucketInventory).WithoutEffect("InventoryConfiguration"),
		s3.DeleteBucketAnalyticsConfiguration.Handle(s.deleteBucketAnalytics),
		s3.GetBucketAnalyticsConfiguration.Handle(s.getBucketAnalytics),
		s3.ListBucketAnalyticsConfigurations.Handle(s.listBucketAnalytics),
		s3.PutBucketAnalyticsConfiguration.Handle(s.putBucketAnalytics).WithoutEffect("AnalyticsConfiguration"),
		s3.DeleteBucketMetricsConfiguration.Handle(s.deleteBucketMetrics),
		s3.GetBucketMetricsConfiguration.Handle(s.getBucketMetrics),
		s3.ListBucketMetricsConfigurations.Handle(s.listBucketMetrics),
		s3.PutBucketMetricsConfiguration.Handle(s.putBucketMetrics).WithoutEffect("MetricsConfiguration"),
		s3.DeleteBucketIntelligentTieringConfiguration.Handle(s.deleteBucketTiering),
		s3.GetBucketIntelligentTieringConfiguration.Handle(s.getBucketTiering),
		s3.ListBucketIntelligentTieringConfigurations.Handle(s.listBucketTiering),
		s3.PutBucketIntelligentTieringConfiguration.Handle(s.putBucketTiering).WithoutEffect("IntelligentTieringConfiguration"),

		s3.GetBucketAbac.Handle(s.getBucketABAC),
		s3.PutBucketAbac.Handle(s.putBucketABAC).WithoutEffect("AbacStatus"),
		s3.PutBucketAccelerateConfiguration.Handle(s.putBucketAccelerateConfiguration).WithoutEffect("AccelerateConfiguration"),
		s3.PutBucketRequestPayment.Handle(s.putBucketRequestPayment),

		s3.DeleteBucketTagging.Handle(s.deleteBucketTagging),
		s3.GetBucketTagging.Handle(s.getBucketTagging),
		s3.PutBucketTagging.Handle(s.putBucketTagging),

		s3.GetBucketNotificationConfiguration.Handle(s.getBucketNotificationConfiguration),
		s3.PutBucketNotificationConfiguration.Handle(s.putBucketNotificationConfiguration),

		s3.CopyObject.Handle(s.copyObject).WithoutEffect("AnnotationDirective"),
		s3.DeleteObject.Handle(s.deleteObject).WithoutEffect("MFA"),
		s3.DeleteObjects.Handle(s.deleteObjects).WithoutEffect("MFA"),
		s3.GetObject.Handle(s.getObject),
		s3.GetObjectAcl.Handle(s.getObjectACL),
		s3.GetObjectAttributes.Handle(s.getObjectAttributes),
		s3.RestoreObject.Handle(s.restoreObject),
		s3.SelectObjectContent.Handle(s.selectObjectContent),
		s3.HeadObject.Handle(s.headObject),
		s3.PutObject.Handle(s.putObject),
		s3.PutObjectAcl.Handle(s.putObjectACL),
		s3.UpdateObjectEncryption.Handle(s.updateObjectEncryption),

		s3.DeleteObjectTagging.Handle(s.deleteObjectTagging),
		s3.GetObjectTagging.Handle(s.getObjectTagging),
		s3.PutObjectTagging.Handle(s.putObjectTagging),

		s3.GetBucketVersioning.Handle(s.getBucketVersioning),
		s3.PutBucketVersioning.Handle(s.putBucketVersioning).WithoutEffect("MFA"),

		s3.GetObjectLegalHold.Handle(s.getObjectLegalHold),
		s3.GetObjectLockConfiguration.Handle(s.getObjectLockConfiguration),
		s3.GetObjectRetention.Handle(s.getObjectRetention),
		s3.PutObjectLegalHold.Handle(s.putObjectLegalHold),
		s3.PutObjectLockConfiguration.Handle(s.putObjectLockConfiguration).WithoutEffect("Token"),
		s3.PutObjectRetention.Handle(s.putObjectRetention),

		s3.ListObjectVersions.Handle(s.listObjectVersions),
		s3.ListObjects.Handle(s.listObjects),
		s3.ListObjectsV2.Handle(s.listObjectsV2),

		s3.AbortMultipartUpload.Handle(s.abortMultipartUpload),
		s3.CompleteMultipartUpload.Handle(s.completeMultipartUpload),
		s3.CreateMultipartUpload.Handle(s.createMultipartUpload),
		s3.ListMultipartUploads.Handle(s.listMultipartUploads),
		s3.ListParts.Handle(s.listParts),
		s3.UploadPart.Handle(s.uploadPart),
		s3.UploadPartCopy.Handle(s.uploadPartCopy),
	}
	for i, h := range operations {
		operations[i] = s.payable(h)
	}
	return operations
}
