package s3

import (
	"errors"
	"regexp"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/services/s3/sealing"
	"github.com/virga-cloud/virga/storage"
)

// The keys of KMS that objects are sealed with. There is no KMS to ask, so every
// key that is named well exists, as of the first object that is sealed with it:
// its secret is drawn then and kept in the store, and an alias is given a key of its own.

// kmsKey is a key of KMS, or an alias of one.
type kmsKey struct {
	// Secret is 32 random bytes.
	Secret []byte `cbor:"1,keyasint,omitempty"`
	// Target is the ARN of the key that an alias stands for.
	Target string `cbor:"2,keyasint,omitempty"`
}

// managedKey is the alias of the key that AWS manages for S3 in every account.
const managedKey = "alias/aws/s3"

// kmsScope is where names of keys are looked up: in the bucket's region, and
// in the account of the caller.
type kmsScope struct{ region, account string }

var kmsKeyID = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)

// arn is the full name of a key or alias.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
func (k kmsScope) arn(name string) (string, error) {
	full := api.ARN{Partition: api.PartitionOf(k.region), Service: "kms", Region: k.region, Account: k.account}
	switch {
	case name == "":
		full.Resource = managedKey
	case strings.HasPrefix(name, "arn:"):
		given, err := api.ParseARN(name)
		if err != nil || given.Service != "kms" || given.Region != k.region {
			return "", errKMSNotFound("Invalid arn " + given.Region)
		}
		full = given
	case strings.HasPrefix(name, "alias/"):
		full.Resource = name
	default:
		full.Resource = "key/" + name
	}
	id, isKey := strings.CutPrefix(full.Resource, "key/")
	if isKey && !kmsKeyID.MatchString(id) || !isKey && (!strings.HasPrefix(full.Resource, "alias/") || full.Resource == "alias/") {
		return "", errKMSNotFound("Invalid keyId '" + name + "'")
	}
	return full.String(), nil
}

// makeKMSKey is the ARN and the secret of the key with a name, made if it is
// named for the first time.
func (s *Service) makeKMSKey(tx storage.Tx, scope kmsScope, name string) (arn string, secret []byte, err error) {
	if arn, err = scope.arn(name); err != nil {
		return "", nil, err
	}
	k, err := storage.GetRecord[kmsKey](tx, keyKMS(arn))
	if errors.Is(err, storage.ErrNotFound) {
		k, err = s.drawKMSKey(tx, arn)
	}
	if err != nil {
		return "", nil, err
	}
	if k.Target == "" {
		return arn, k.Secret, nil
	}
	secret, err = kmsSecret(tx, k.Target)
	return k.Target, secret, err
}

func (s *Service) drawKMSKey(tx storage.Tx, arn string) (*kmsKey, error) {
	k := &kmsKey{Secret: make([]byte, len(sealing.Key{}))}
	_, _ = s.env.IDs.Read(k.Secret) // never fails
	before, _, isAlias := strings.Cut(arn, ":alias/")
	if !isAlias {
		return k, storage.PutRecord(tx, keyKMS(arn), k)
	}
	alias := &kmsKey{Target: before + ":key/" + s.env.IDs.UUID()}
	if err := storage.PutRecord(tx, keyKMS(alias.Target), k); err != nil {
		return nil, err
	}
	return alias, storage.PutRecord(tx, keyKMS(arn), alias)
}

// kmsSecret is the secret of a key that has sealed something.
func kmsSecret(tx storage.Tx, arn string) ([]byte, error) {
	k, err := storage.GetRecord[kmsKey](tx, keyKMS(arn))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errKMSNotFound("Key '" + arn + "' does not exist")
	}
	if err != nil {
		return nil, err
	}
	return k.Secret, nil
}
