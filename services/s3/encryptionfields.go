package s3

import "github.com/virga-cloud/virga/api/s3"

// encryptionFields are the members of an answer that tell how an object is
// sealed. Those that an answer does not have are nil.
type encryptionFields struct {
	method         *s3.ServerSideEncryption
	key            *string
	bucketKey      **bool
	algorithm, md5 *string
	context        *string
}

// set tells of a seal, when there is one; answers say AES256 otherwise.
func (f encryptionFields) set(l *seal) {
	if l == nil {
		return
	}
	*f.method = l.Method
	if l.Method == "" {
		if f.algorithm != nil {
			*f.algorithm, *f.md5 = string(s3.ServerSideEncryptionAes256), l.md5
		}
		return
	}
	*f.key = l.Key
	if l.BucketKey {
		*f.bucketKey = new(true)
	}
	if f.context != nil {
		*f.context = l.Context
	}
}

func putEncryption(o *s3.PutObjectOutput) encryptionFields {
	return encryptionFields{&o.ServerSideEncryption, &o.SSEKMSKeyId, &o.BucketKeyEnabled, &o.SSECustomerAlgorithm, &o.SSECustomerKeyMD5, &o.SSEKMSEncryptionContext}
}

func getEncryption(o *s3.GetObjectOutput) encryptionFields {
	return encryptionFields{&o.ServerSideEncryption, &o.SSEKMSKeyId, &o.BucketKeyEnabled, &o.SSECustomerAlgorithm, &o.SSECustomerKeyMD5, nil}
}

func copyEncryption(o *s3.CopyObjectOutput) encryptionFields {
	return encryptionFields{&o.ServerSideEncryption, &o.SSEKMSKeyId, &o.BucketKeyEnabled, &o.SSECustomerAlgorithm, &o.SSECustomerKeyMD5, &o.SSEKMSEncryptionContext}
}

func createEncryption(o *s3.CreateMultipartUploadOutput) encryptionFields {
	return encryptionFields{&o.ServerSideEncryption, &o.SSEKMSKeyId, &o.BucketKeyEnabled, &o.SSECustomerAlgorithm, &o.SSECustomerKeyMD5, &o.SSEKMSEncryptionContext}
}

func partEncryption(o *s3.UploadPartOutput) encryptionFields {
	return encryptionFields{&o.ServerSideEncryption, &o.SSEKMSKeyId, &o.BucketKeyEnabled, &o.SSECustomerAlgorithm, &o.SSECustomerKeyMD5, nil}
}

func copyPartEncryption(o *s3.UploadPartCopyOutput) encryptionFields {
	return encryptionFields{&o.ServerSideEncryption, &o.SSEKMSKeyId, &o.BucketKeyEnabled, &o.SSECustomerAlgorithm, &o.SSECustomerKeyMD5, nil}
}

func completeEncryption(o *s3.CompleteMultipartUploadOutput) encryptionFields {
	return encryptionFields{&o.ServerSideEncryption, &o.SSEKMSKeyId, &o.BucketKeyEnabled, nil, nil, nil}
}
