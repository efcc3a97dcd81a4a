package bucketpolicy

import (
	"strings"

	"github.com/virga-cloud/virga/api"
)

// The actions of S3 that policies of buckets may name, by what they are about.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
var (
	objectActions = names(`AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion
		DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging
		GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionForReplication
		GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner
		PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging
		ReplicateDelete ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption`)
	bucketActions = names(`CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration
		DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS
		GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration
		GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging
		GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration
		GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration ListBucket ListBucketMultipartUploads
		ListBucketVersions PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS PutBucketLogging
		PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock
		PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration
		PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration PutMetricsConfiguration
		PutReplicationConfiguration`)
)

func names(list string) []string {
	all := strings.Fields(strings.ToLower(list))
	for i := range all {
		all[i] = "s3:" + all[i]
	}
	return all
}

// check holds a statement's actions and resources to the bucket and to each other.
func (s *Statement) check(bucket string) error {
	var aboutBucket, aboutObjects bool
	for _, r := range s.Resources {
		parts := strings.SplitN(r, ":", 6)
		if len(parts) != 6 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || parts[2] != "s3" || parts[3]+parts[4] != "" {
			return malformed("Policy has invalid resource")
		}
		rest, ok := strings.CutPrefix(parts[5], bucket)
		switch {
		case !ok || rest != "" && rest[0] != '/' && rest[0] != '*':
			return malformed("Policy has invalid resource")
		case rest == "":
			aboutBucket = true
		case rest[0] == '/':
			aboutObjects = true
		default:
			aboutBucket, aboutObjects = true, true
		}
	}
	for _, a := range s.Actions {
		if a == "*" {
			continue
		}
		pattern := strings.ToLower(a)
		ofObjects, ofBucket := matchAny(pattern, objectActions), matchAny(pattern, bucketActions)
		switch {
		case !ofObjects && !ofBucket:
			return malformed("Policy has invalid action")
		case s.NotAction || s.NotResource:
		case !(ofObjects && aboutObjects) && !(ofBucket && aboutBucket):
			return malformed("Action does not apply to any resource(s) in statement")
		}
	}
	return nil
}

func matchAny(pattern string, names []string) bool {
	for _, name := range names {
		if api.MatchPattern(pattern, name) {
			return true
		}
	}
	return false
}
