// Package accesslog writes the lines of S3's server access logs, and names the
// objects that they are delivered in.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
package accesslog

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesscontrol"
)

// Entry is one request. What is empty, or zero where that says nothing, is "-".
type Entry struct {
	// Owner is the canonical id of the bucket's owner, Requester who asked: a
	// canonical id or an ARN.
	Owner, Bucket, Requester string
	Time                     time.Time
	RemoteIP, RequestID      string
	// Operation is as Operation names it.
	Operation, Key string
	// Request is the first line of the request, without quotes.
	Request string
	Status  int
	Error   string
	// Sent is the size of the answer's body, Size that of the object, in bytes.
	Sent, Size         int64
	Took               time.Duration
	Referer, UserAgent string
	Version            string // as it was sent, which need not be one
	// Authentication is "AuthHeader", "QueryString", or "" for a request without a signature.
	Authentication string
	Host           string
	TLS            bool
}

// String is the entry's line, without its end.
func (e *Entry) String() string {
	signature, cipher, version := "", "", ""
	if e.Authentication != "" {
		signature = "SigV4"
	}
	if e.TLS {
		cipher, version = "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"
	}
	took := strconv.FormatInt(e.Took.Milliseconds(), 10)
	return strings.Join([]string{
		dash(e.Owner), dash(e.Bucket), e.Time.UTC().Format("[02/Jan/2006:15:04:05 -0700]"), dash(e.RemoteIP), dash(e.Requester), dash(e.RequestID),
		dash(e.Operation), dash(url.QueryEscape(e.Key)), quote(e.Request), strconv.Itoa(e.Status), dash(e.Error),
		count(e.Sent), count(e.Size), took, took, quote(e.Referer), quote(e.UserAgent), dash(url.QueryEscape(e.Version)),
		dash(e.RequestID), dash(signature), dash(cipher), dash(e.Authentication), dash(e.Host), dash(version), "-", "-",
	}, " ")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func count(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func quote(s string) string { return `"` + strings.ReplaceAll(dash(s), `"`, "%22") + `"` }

// Name is the key of the object that holds the lines of requests to a bucket,
// delivered at a time. unique tells it from others of the same second: 16
// hexadecimal digits.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
func Name(to *s3.LoggingEnabled, account, region, bucket string, at time.Time, unique string) string {
	at = at.UTC()
	name := at.Format("2006-01-02-15-04-05-") + unique
	if f := to.TargetObjectKeyFormat; f != nil && f.PartitionedPrefix != nil {
		name = account + "/" + region + "/" + bucket + "/" + at.Format("2006/01/02/") + name
	}
	return to.TargetPrefix + name
}

// ByEvent says that the objects of a log are each of the requests of one day, and
// named by it, not by when they are delivered.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html
func ByEvent(to *s3.LoggingEnabled) bool {
	f := to.TargetObjectKeyFormat
	return f != nil && f.PartitionedPrefix != nil && f.PartitionedPrefix.PartitionDateSource == s3.PartitionDateSourceEventTime
}

// Grants are whom the objects of a log are granted to besides their owner, by
// canonical user id, as headers say it. To write is nothing that an object could grant.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_TargetGrant.html
func Grants(to *s3.LoggingEnabled, owner string) (h accesscontrol.Headers) {
	if len(to.TargetGrants) > 0 {
		h.FullControl = `id="` + owner + `"`
	}
	for _, g := range to.TargetGrants {
		field := &h.Read
		switch g.Permission {
		case s3.BucketLogsPermissionFullControl:
			field = &h.FullControl
		case s3.BucketLogsPermissionRead:
		default:
			continue
		}
		grantee := `id="` + g.Grantee.ID + `"`
		if g.Grantee.URI != "" {
			grantee = `uri="` + g.Grantee.URI + `"`
		}
		if *field != "" {
			*field += ", "
		}
		*field += grantee
	}
	return h
}

// Operation is a log's name of an operation: where it came in, its method,
// and what it is about.
func Operation(name, method string) string {
	switch name {
	case "CopyObject":
		return "REST.COPY.OBJECT"
	case "UploadPartCopy":
		return "REST.COPY.PART"
	}
	about, ok := subjects[name]
	if !ok {
		about = subject(name)
	}
	return "REST." + method + "." + about
}

// subjects are what operations are about whose names do not say it.
var subjects = map[string]string{
	"AbortMultipartUpload":    "UPLOAD",
	"CompleteMultipartUpload": "UPLOAD",
	"CreateMultipartUpload":   "UPLOADS",
	"DeleteObjects":           "MULTI_OBJECT_DELETE",
	"GetBucketLogging":        "LOGGING_STATUS",
	"GetBucketPolicy":         "BUCKETPOLICY",
	"GetObjectLegalHold":      "OBJECT_LOCK_LEGALHOLD",
	"GetObjectRetention":      "OBJECT_LOCK_RETENTION",
	"HeadBucket":              "BUCKET",
	"ListMultipartUploads":    "UPLOADS",
	"ListObjectVersions":      "BUCKETVERSIONS",
	"ListObjects":             "BUCKET",
	"ListObjectsV2":           "BUCKET",
	"ListParts":               "UPLOAD",
	"PutBucketLogging":        "LOGGING_STATUS",
	"PutBucketPolicy":         "BUCKETPOLICY",
	"PutObjectLegalHold":      "OBJECT_LOCK_LEGALHOLD",
	"PutObjectRetention":      "OBJECT_LOCK_RETENTION",
	"SelectObjectContent":     "OBJECT_SELECT",
	"UploadPart":              "PART",
}

// subject takes it from the name: GetBucketAcl is about ACL, GetObjectTagging about
// OBJECT_TAGGING, GetPublicAccessBlock about PUBLIC_ACCESS_BLOCK.
func subject(name string) string {
	for _, verb := range []string{"Get", "Put", "Delete", "Head", "List", "Create", "Restore", "Rename", "Update"} {
		if rest, ok := strings.CutPrefix(name, verb); ok {
			name = rest
			break
		}
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, "Configurations"), "Configuration")
	if rest := strings.TrimPrefix(name, "Bucket"); rest != "" {
		name = rest
	}
	if name == "ObjectAcl" {
		name = "Acl"
	}
	var out []byte
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' && i > 0 {
			out = append(out, '_')
		}
		out = append(out, name[i])
	}
	return strings.ToUpper(string(out))
}
