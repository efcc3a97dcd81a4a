package s3

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/sealing"
	"github.com/virga-cloud/virga/storage"
)

// S3 encrypts every object. With keys of its own (AES256) no client can tell
// whether it does, so those bytes are kept as they are. Bytes under a customer's
// key or a key of KMS are sealed: nothing reads them without that key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html

// encryption is what the record of an object or upload says of how its bytes
// are sealed. Objects under S3's own keys have none.
type encryption struct {
	// Method is "aws:kms" or "aws:kms:dsse", and empty for a customer's key.
	Method s3.ServerSideEncryption `cbor:"1,keyasint,omitempty"`
	// Key is the ARN of the key of KMS, Context what the client bound it to.
	Key     string `cbor:"2,keyasint,omitempty"`
	Context string `cbor:"3,keyasint,omitempty"`
	// BucketKey is only told: there are no requests to KMS to be saved.
	BucketKey bool `cbor:"4,keyasint,omitempty"`
	// Salt makes the object's key out of the secret one, and Check tells whether
	// a customer's key is the one that sealed, without giving it away.
	Salt  []byte `cbor:"5,keyasint"`
	Check []byte `cbor:"6,keyasint,omitempty"`
}

// seal is an encryption with what opens it. No seal is S3's own keys.
type seal struct {
	encryption
	key sealing.Key
	// md5 is of the customer's key, as answers repeat it.
	md5 string
}

// customerKey is the key that a request brings, as it sends it.
type customerKey struct{ algorithm, key, md5 string }

func (c customerKey) sent() bool { return c.algorithm != "" || c.key != "" || c.md5 != "" }

// secret is the key itself; nil when none was sent.
func (c customerKey) secret() ([]byte, error) {
	if !c.sent() {
		return nil, nil
	}
	switch {
	case c.algorithm == "":
		return nil, errCustomerKey("Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.")
	case c.algorithm != string(s3.ServerSideEncryptionAes256):
		return nil, errEncryptionAlgorithm(c.algorithm)
	case c.key == "":
		return nil, errCustomerKey("Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.")
	case c.md5 == "":
		return nil, errCustomerKey("Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.")
	}
	raw, err := base64.StdEncoding.DecodeString(c.key)
	if err != nil {
		return nil, errCustomerKey("The secret key was invalid for the specified algorithm.")
	}
	if sum := md5.Sum(raw); base64.StdEncoding.EncodeToString(sum[:]) != c.md5 {
		return nil, errCustomerKey("The calculated MD5 hash of the key did not match the hash that was provided.")
	}
	if len(raw) != len(sealing.Key{}) {
		return nil, errCustomerKey("The secret key was invalid for the specified algorithm.")
	}
	return raw, nil
}

// encryptionAsked is what a write asks for.
type encryptionAsked struct {
	method       s3.ServerSideEncryption
	key, context string
	bucketKey    *bool
	customer     customerKey
}

// check finds what is wrong with it, whatever the bucket.
func (a encryptionAsked) check() error {
	if a.method != "" && a.customer.sent() {
		return errInvalidArgument("x-amz-server-side-encryption", string(a.method), "Server Side Encryption with Customer provided key is incompatible with the encryption method specified")
	}
	if _, err := a.customer.secret(); err != nil {
		return err
	}
	switch a.method {
	case s3.ServerSideEncryptionAwsKms, s3.ServerSideEncryptionAwsKmsDsse:
		return checkContext(a.context)
	case s3.ServerSideEncryptionAwsFsx, s3.ServerSideEncryptionAwsBackup:
		return errNotImplemented("x-amz-server-side-encryption")
	case "", s3.ServerSideEncryptionAes256:
		if a.key != "" || a.context != "" {
			return errInvalidArgument("x-amz-server-side-encryption", cmp.Or(string(a.method), "null"), "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
		}
		return nil
	}
	return errInvalidArgument("x-amz-server-side-encryption", string(a.method), "The encryption method specified is not supported")
}

// checkContext checks an encryption context: base64 of a JSON object of strings.
func checkContext(context string) error {
	if context == "" {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(context)
	if err == nil {
		err = json.Unmarshal(raw, &map[string]string{})
	}
	if err != nil {
		return errInvalidArgument("x-amz-server-side-encryption-context", context, "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map")
	}
	return nil
}

// any says that something is asked for.
func (a encryptionAsked) any() bool { return a.method != "" || a.customer.sent() }

// in is what is asked for with a bucket's defaults in it; none are nil.
func (a encryptionAsked) in(rule *s3.ServerSideEncryptionRule) encryptionAsked {
	if rule == nil {
		return a
	}
	if !a.any() {
		a.method, a.key = rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm, rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID
	}
	if a.bucketKey == nil {
		a.bucketKey = rule.BucketKeyEnabled
	}
	return a
}

// sealed says that what is asked for, and is settled by in, are sealed bytes.
func (a encryptionAsked) sealed() bool {
	return a.customer.sent() || a.method != "" && a.method != s3.ServerSideEncryptionAes256
}

// seals says that what is asked for, in a bucket, are sealed bytes.
func (s *Service) seals(tx storage.Tx, b *bucket, a encryptionAsked) (bool, error) {
	rule, err := s.settings.encryption.of(tx, b)
	return a.in(rule).sealed(), err
}

// newSeal makes the seal for an object that is written to a bucket; nil is none.
// Keys of KMS are made when they are first named.
func (s *Service) newSeal(ctx context.Context, tx storage.Tx, b *bucket, key string, a encryptionAsked) (*seal, error) {
	rule, err := s.settings.encryption.of(tx, b)
	if err != nil {
		return nil, err
	}
	if a = a.in(rule); !a.sealed() {
		return nil, nil
	}
	l := &seal{encryption: encryption{Salt: make([]byte, 32)}}
	_, _ = s.env.IDs.Read(l.Salt) // never fails
	secret, err := a.customer.secret()
	if err != nil {
		return nil, err
	}
	call := api.CallFrom(ctx)
	if secret != nil {
		if blocksCustomerKeys(b, rule) {
			return nil, errCustomerKeysBlocked(call, b.arn()+"/"+key)
		}
		l.Check, l.md5 = checkOf(secret, l.Salt), a.customer.md5
	} else {
		l.Method, l.Context = a.method, a.context
		// There are no bucket keys with two layers.
		l.BucketKey = a.method == s3.ServerSideEncryptionAwsKms && a.bucketKey != nil && *a.bucketKey
		if l.Key, secret, err = s.makeKMSKey(tx, kmsScope{b.Region, call.Account}, a.key); err != nil {
			return nil, err
		}
	}
	l.key = l.derive(secret)
	return l, nil
}

// sealFor is newSeal in a transaction of its own.
func (s *Service) sealFor(ctx context.Context, bucket, owner, key string, a encryptionAsked) (l *seal, err error) {
	sealed := false
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, bucket, owner)
		if err != nil {
			return err
		}
		sealed, err = s.seals(tx, b, a)
		return err
	})
	if err != nil || !sealed {
		return nil, err
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, bucket, owner)
		if err != nil {
			return err
		}
		l, err = s.newSeal(ctx, tx, b, key, a)
		return err
	})
	return l, err
}

// blocksCustomerKeys says that a bucket refuses writes with customers' keys.
func blocksCustomerKeys(b *bucket, rule *s3.ServerSideEncryptionRule) bool {
	if rule == nil {
		return b.KeysBlocked
	}
	return rule.BlockedEncryptionTypes != nil && slices.Contains(rule.BlockedEncryptionTypes.EncryptionType, s3.EncryptionTypeSseC)
}

// unseal is the seal of bytes that are there, when the request brings the right
// key for them; nil is none. e is what their record says.
func (s *Service) unseal(tx storage.Tx, e *encryption, c customerKey) (*seal, error) {
	secret, err := c.secret()
	switch {
	case err != nil:
		return nil, err
	case e == nil && secret == nil:
		return nil, nil
	case (e == nil || e.Method != "") && secret != nil:
		return nil, errInvalidRequest("The encryption parameters are not applicable to this object.")
	case e.Method != "":
		if secret, err = kmsSecret(tx, e.Key); err != nil {
			return nil, err
		}
	case secret == nil:
		return nil, errInvalidRequest("The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	case !e.madeWith(secret):
		return nil, errWrongCustomerKey()
	}
	return &seal{*e, e.derive(secret), c.md5}, nil
}

// unsealUpload is the seal of an upload, when a part comes with the key that it began with.
func (s *Service) unsealUpload(u *upload, c customerKey) (l *seal, err error) {
	if u.Encryption == nil && !c.sent() {
		return nil, nil
	}
	if c.sent() != (u.Encryption != nil && u.Encryption.Method == "") {
		return nil, errInvalidRequest("The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	}
	if secret, _ := c.secret(); secret != nil && !u.Encryption.madeWith(secret) {
		return nil, errInvalidRequest("The provided encryption parameters did not match the ones used originally.")
	}
	err = s.env.DB.View(func(tx storage.Tx) error {
		l, err = s.unseal(tx, u.Encryption, c)
		return err
	})
	return l, err
}

// checkOf is what is kept of a customer's key.
func checkOf(secret, salt []byte) []byte {
	h := hmac.New(sha256.New, salt)
	_, _ = h.Write(secret) // hashes never fail
	return h.Sum(nil)
}

// madeWith says that a customer's key is the one that it was made with.
func (e *encryption) madeWith(secret []byte) bool {
	return hmac.Equal(checkOf(secret, e.Salt), e.Check)
}

// derive is the key that seals one object, of the secret that was given for it.
func (e *encryption) derive(secret []byte) sealing.Key {
	return sealing.Derive(secret, e.Salt, "virga s3 object "+string(e.Method)+" "+e.Context)
}
