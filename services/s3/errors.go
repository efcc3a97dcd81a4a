package s3

import (
	"strconv"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// The errors of S3, as
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html lists
// them and the service words them. The few that the model names are made here
// too: S3 sends details with them (BucketName, Key) that the model has not.

func errNoSuchBucket(name string) error {
	return api.Errorf("NoSuchBucket", 404, "The specified bucket does not exist").With("BucketName", name)
}

// errElsewhere sends a request on to the region of its bucket.
func errElsewhere(bucket, region, endpoint string) error {
	return api.Errorf("PermanentRedirect", 301, "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.").
		With("Endpoint", endpoint).With("Bucket", bucket).WithHeader("x-amz-bucket-region", region)
}

func errNoSuchKey(key string) error {
	return api.Errorf("NoSuchKey", 404, "The specified key does not exist.").With("Key", key)
}

func errNoSuchUpload(id string) error {
	return api.Errorf("NoSuchUpload", 404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.").With("UploadId", id)
}

func errNoSuchVersion(key, version string) *api.Error {
	return api.Errorf("NoSuchVersion", 404, "The specified version does not exist.").With("Key", key).With("VersionId", version)
}

func errInvalidVersion(version string) error {
	return errInvalidArgument("versionId", version, "Invalid version id specified")
}

// errDeleted is the answer for a key whose current version is a delete marker.
func errDeleted(key string, marker *object) error {
	return api.Errorf("NoSuchKey", 404, "The specified key does not exist.").With("Key", key).
		WithHeader("x-amz-delete-marker", "true").WithHeader("x-amz-version-id", marker.id())
}

func errMethodNotAllowed(method, resource string) error {
	return api.Errorf("MethodNotAllowed", 405, "The specified method is not allowed against this resource.").
		With("Method", method).With("ResourceType", resource)
}

func errInvalidURI() error {
	return api.Errorf("InvalidURI", 400, "Couldn't parse the specified URI.")
}

func errInternal() *api.Error {
	return api.Errorf("InternalError", 500, "We encountered an internal error. Please try again.")
}

// errDeleteMarker is the answer to who asks a delete marker for what only objects have.
func errDeleteMarker(method string, marker *object) error {
	return api.Errorf("MethodNotAllowed", 405, "The specified method is not allowed against this resource.").
		With("Method", method).With("ResourceType", "DeleteMarker").
		WithHeader("Allow", "DELETE").WithHeader("Last-Modified", httpDate(marker.modified())).
		WithHeader("x-amz-delete-marker", "true").WithHeader("x-amz-version-id", marker.id())
}

func errIllegalVersioning() error {
	return api.Errorf("IllegalVersioningConfigurationException", 400, "The Versioning element must be specified")
}

func errMFARequired() error {
	return api.Errorf("AccessDenied", 403, "Mfa Authentication must be used for this request")
}

func errInvalidBucketState(message string) error {
	return api.Errorf("InvalidBucketState", 409, "%s", message)
}

// errLocked is the answer to who would delete or shorten what a lock protects.
func errLocked() error {
	return api.Errorf("AccessDenied", 403, "Access Denied because object protected by object lock.")
}

func errNoObjectLock() error {
	return api.Errorf("InvalidRequest", 400, "Bucket is missing Object Lock Configuration")
}

func errObjectNotLocked() error {
	return api.Errorf("NoSuchObjectLockConfiguration", 404, "The specified object does not have a ObjectLock configuration")
}

// errLockIncomplete names the header that is missing.
func errLockIncomplete(header string) error {
	return api.Errorf("InvalidArgument", 400, "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied").With("ArgumentName", header)
}

func errLockUnchecked(request string) error {
	return api.Errorf("InvalidRequest", 400, "Content-MD5 OR x-amz-checksum- HTTP header is required for %s requests with Object Lock parameters", request)
}

func errRetainPast(name string, until time.Time) error {
	return errInvalidArgument(name, until.UTC().Format(time.UnixDate), "The retain until date must be in the future!")
}

func errBypassWithoutLock() error {
	return api.Errorf("InvalidArgument", 400, "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.").With("ArgumentName", headerBypass)
}

// errNone is the answer for a configuration that a bucket does not have.
func errNone(code, message, bucket string) error {
	return api.Errorf(code, 404, "%s", message).With("BucketName", bucket)
}

func errBucketAlreadyExists(name string) error {
	return api.Errorf("BucketAlreadyExists", 409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.").With("BucketName", name)
}

func errBucketAlreadyOwnedByYou(name string) error {
	return api.Errorf("BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it.").With("BucketName", name)
}

func errBucketNotEmpty(b *bucket) error {
	message := "The bucket you tried to delete is not empty"
	if b.Versioning != unversioned {
		message += ". You must delete all versions in the bucket."
	}
	return api.Errorf("BucketNotEmpty", 409, "%s", message).With("BucketName", b.Name)
}

func errInvalidBucketName(name string) error {
	return api.Errorf("InvalidBucketName", 400, "The specified bucket is not valid.").With("BucketName", name)
}

func errInvalidLocationConstraint(location string) error {
	return api.Errorf("InvalidLocationConstraint", 400, "The specified location-constraint is not valid").With("LocationConstraint", location)
}

func errIllegalLocationConstraint(location string) error {
	if location == "" {
		location = "unspecified"
	}
	return api.Errorf("IllegalLocationConstraintException", 400, "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", location)
}

func errInvalidOwner() error {
	return api.Errorf("InvalidBucketOwnerAWSAccountID", 400, "The value of the expected bucket owner parameter must be an AWS account ID")
}

func errDirectoryBuckets() error {
	return api.Errorf("NotImplemented", 501, "Directory buckets are not implemented by Virga.")
}

func errAccessDenied() error {
	return api.Errorf("AccessDenied", 403, "Access Denied")
}

func errInvalidArgument(name, value, message string) error {
	return fault.InvalidArgument(name, value, message)
}

func errIncorrectToken() error {
	return api.Errorf("InvalidArgument", 400, "The continuation token provided is incorrect").With("ArgumentName", "continuation-token")
}

func errInvalidRequest(format string, args ...any) error {
	return fault.InvalidRequest(format, args...)
}

// errNotImplemented refuses what a header asks for; S3 says so itself of
// headers that it does not take.
func errNotImplemented(header string) *api.Error {
	return api.Errorf("NotImplemented", 501, "A header you provided implies functionality that is not implemented").With("Header", header)
}

func errMalformedXML() error {
	return fault.MalformedXML()
}

func errPreconditionFailed(condition string) error {
	return api.Errorf("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold").With("Condition", condition)
}

// errConditionalConflict is the answer to a conditional completion of an upload
// when the key was written while the upload went on.
func errConditionalConflict(condition, key string) error {
	return api.Errorf("ConditionalRequestConflict", 409, "The conditional request cannot succeed due to a conflicting operation against this resource.").
		With("Condition", condition).With("Key", key)
}

func errOperationAborted() error {
	return api.Errorf("OperationAborted", 409, "A conflicting conditional operation is currently in progress against this resource. Please try again.")
}

func errKeyTooLong(key string) error {
	return api.Errorf("KeyTooLongError", 400, "Your key is too long").
		With("Size", strconv.Itoa(len(key))).With("MaxSizeAllowed", strconv.Itoa(maxKey))
}

func errMetadataTooLarge(size int) error {
	return api.Errorf("MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size").
		With("Size", strconv.Itoa(size)).With("MaxSizeAllowed", strconv.Itoa(maxMetadata))
}

func errEntityTooLarge(size, limit int64) error {
	return api.Errorf("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size").
		With("ProposedSize", strconv.FormatInt(size, 10)).With("MaxSizeAllowed", strconv.FormatInt(limit, 10))
}

func errEntityTooSmall(size int64, number int32, etag string) error {
	return api.Errorf("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size").
		With("ProposedSize", strconv.FormatInt(size, 10)).With("MinSizeAllowed", strconv.Itoa(minPart)).
		With("PartNumber", strconv.Itoa(int(number))).With("ETag", etag)
}

func errMissingContentLength() error {
	return api.Errorf("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
}

func errIncompleteBody() error {
	return api.Errorf("IncompleteBody", 400, "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

func errInvalidDigest(value string) error {
	return api.Errorf("InvalidDigest", 400, "The Content-MD5 you specified was invalid.").With("Content-MD5", value)
}

func errBadDigestMD5(expected, calculated string) error {
	return api.Errorf("BadDigest", 400, "The Content-MD5 you specified did not match what we received.").
		With("ExpectedDigest", expected).With("CalculatedDigest", calculated)
}

func errBadChecksum(a algorithm) error {
	return api.Errorf("BadDigest", 400, "The %s you specified did not match the calculated checksum.", a)
}

// errCustomerKey is what is wrong with the key that a request brings. S3 names
// another header than the one it is about.
func errCustomerKey(message string) error {
	return errInvalidArgument("x-amz-server-side-encryption", "null", message)
}

func errEncryptionAlgorithm(algorithm string) error {
	return api.Errorf("InvalidEncryptionAlgorithmError", 400, "The Encryption request you specified is not valid. Supported value: AES256.").
		With("ArgumentName", "x-amz-server-side-encryption").With("ArgumentValue", algorithm)
}

func errWrongCustomerKey() error {
	return api.Errorf("AccessDenied", 403, "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.")
}

func errCustomerKeysBlocked(call *api.Call, resource string) error {
	return api.Errorf("AccessDenied", 403, "User: %s is not authorized to perform: s3:PutObject on resource: %q because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type.", call.Principal.ARN, resource)
}

func errKMSNotFound(message string) error {
	return api.Errorf("KMS.NotFoundException", 400, "%s", message)
}

// errSelection is what is wrong with a query or what it reads.
func errSelection(code, message string) error { return api.Errorf(code, 400, "%s", message) }

func errInvalidExpressionType() error {
	return api.Errorf("InvalidExpressionType", 400, "The ExpressionType is invalid. Only SQL expressions are supported.")
}

func errUnsupportedStorageClass(class string) error {
	return api.Errorf("UnsupportedStorageClass", 400, "We do not support %s storage class. Please check the service documentation and try again.", class)
}

func errInvalidRange(asked string, size int64) error {
	return api.Errorf("InvalidRange", 416, "The requested range is not satisfiable").
		With("RangeRequested", asked).With("ActualObjectSize", strconv.FormatInt(size, 10))
}

func errInvalidPartNumber(asked int32, count int) error {
	return api.Errorf("InvalidPartNumber", 416, "The requested partnumber is not satisfiable").
		With("PartNumberRequested", strconv.Itoa(int(asked))).With("ActualPartCount", strconv.Itoa(count))
}

func errInvalidPart(upload string, number int32, etag string) error {
	return api.Errorf("InvalidPart", 400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.").
		With("UploadId", upload).With("PartNumber", strconv.Itoa(int(number))).With("ETag", etag)
}

func errInvalidPartOrder(upload string) error {
	return api.Errorf("InvalidPartOrder", 400, "The list of parts was not in ascending order. Parts must be ordered by part number.").With("UploadId", upload)
}

func errInvalidStorageClass(class string) error {
	return api.Errorf("InvalidStorageClass", 400, "The storage class you specified is not valid").With("StorageClassRequested", class)
}

func errRestoreNotAllowed() error {
	return api.Errorf("InvalidObjectState", 403, "Restore is not allowed for the object's current storage class")
}

func errRestoreInProgress() error {
	return api.Errorf("RestoreAlreadyInProgress", 409, "Object restore is already in progress")
}

// errSelectRestore refuses what S3 Glacier Select did, which takes no new customers.
func errSelectRestore() error {
	return api.Errorf("NotImplemented", 501, "Restores of type SELECT are not implemented by Virga.")
}

func errInvalidObjectState(class string) error {
	return api.Errorf("InvalidObjectState", 403, "The operation is not valid for the object's storage class").With("StorageClass", class)
}

func errInvalidTag(message, key string) error {
	e := api.Errorf("InvalidTag", 400, "%s", message)
	if key != "" {
		e.With("TagKey", key)
	}
	return e
}

func errBadRequest(message string) error {
	return api.Errorf("BadRequest", 400, "%s", message)
}

func errInvalidRedirectLocation() error {
	return api.Errorf("InvalidRedirectLocation", 400, "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")
}

func errACLNotSupported() error {
	return api.Errorf("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
}

func errMissingACL() error {
	return api.Errorf("MissingSecurityHeader", 400, "Your request was missing a required header").With("MissingHeaderName", "x-amz-acl")
}

func errUnexpectedContent() error {
	return api.Errorf("UnexpectedContent", 400, "This request does not support content")
}

func errPublicACL() error {
	return api.Errorf("InvalidBucketAclWithBlockPublicAccessError", 400, "Bucket cannot have public ACLs set with BlockPublicAccess enabled")
}

func errACLWithOwnership() error {
	return api.Errorf("InvalidBucketAclWithObjectOwnership", 400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
}

func errLoggingTarget(bucket, message string) error {
	return api.Errorf("InvalidTargetBucketForLogging", 400, "%s", message).With("TargetBucket", bucket)
}

func errCrossLocationLogging(bucket string) error {
	return api.Errorf("CrossLocationLoggingProhibitted", 403, "Cross S3 location logging not allowed. ").With("TargetBucket", bucket)
}

func errNoSuchConfiguration() error {
	return api.Errorf("NoSuchConfiguration", 404, "The specified configuration does not exist.")
}

func errInvalidConfigurationID() error {
	return api.Errorf("InvalidConfigurationId", 400, "The specified configuration id is invalid.")
}

func errTooManyConfigurations() error {
	return api.Errorf("TooManyConfigurations", 400, "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.")
}

func errMalformedToken() error {
	return api.Errorf("MalformedContinuationToken", 400, "The continuation-token you provided invalid.")
}

func errInvalidDestination() error {
	return api.Errorf("InvalidS3DestinationBucket", 400, "Invalid bucket ARN.")
}

// errNotModified is the answer of a read whose conditions say that the client
// has the object already. It has no body.
func errNotModified(o *object) error {
	return api.Errorf("NotModified", 304, "Not Modified").
		WithHeader("ETag", quoted(o.ETag)).WithHeader("Last-Modified", httpDate(o.modified()))
}

// refusal is a target that does not take a bucket's events, and why.
type refusal struct{ target, why string }

func errDestinations(refusals []refusal) error {
	e := api.Errorf("InvalidArgument", 400, "Unable to validate the following destination configurations")
	for i, r := range refusals {
		n := strconv.Itoa(i + 1)
		e.With("ArgumentName"+n, r.target).With("ArgumentValue"+n, r.why)
	}
	return e
}
