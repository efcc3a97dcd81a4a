package server

import (
	"net/http"

	"github.com/virga-cloud/virga/api"
)

const encryptionHeader = "X-Amz-Server-Side-Encryption"

// unencrypting are the operations of S3 on objects that do not take encryptionHeader,
// and say so: an upload's encryption is chosen when it is begun, and what is read is
// decrypted unasked. Their models do not have the header.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
var unencrypting = map[string]bool{
	"GetObject": true, "HeadObject": true, "GetObjectAttributes": true, "UploadPart": true, "CompleteMultipartUpload": true,
}

// misplaced refuses a request for a header that only other operations take. What
// else operations do not know of is passed over. MinIO's client completes uploads with the
// header at every server but Amazon's, so the door for such clients takes it there.
func misplaced(op *api.Operation, r *http.Request, ownDoor bool) error {
	if op.Service.Name != "s3" {
		return nil
	}
	sent := r.Header[encryptionHeader]
	if len(sent) == 0 || !unencrypting[op.Name] || ownDoor && op.Name == "CompleteMultipartUpload" {
		return nil
	}
	return api.Errorf("InvalidArgument", http.StatusBadRequest, "x-amz-server-side-encryption header is not supported for this operation.").
		With("ArgumentName", "x-amz-server-side-encryption").With("ArgumentValue", sent[0])
}
