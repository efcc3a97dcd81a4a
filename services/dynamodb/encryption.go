package dynamodb

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// What a table is to be encrypted with is kept and described. Nothing is
// encrypted, and no key is asked for: a key need not exist, and the name of an
// alias stands for one key of its account and region.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html

// checkEncryption checks what a table is to be encrypted with.
func checkEncryption(s *ddb.SSESpecification) error {
	switch {
	case s == nil:
		return nil
	case s.Enabled != nil && !*s.Enabled && s.SSEType != "":
		return errParameter("SSEType can not be specified if Enabled is false")
	case s.Enabled != nil && !*s.Enabled && s.KMSMasterKeyId != "":
		return errParameter("KMSMasterKeyId can not be specified if Enabled is false")
	case s.KMSMasterKeyId != "" && s.SSEType == "":
		return errParameter("SSEType KMS is required if KMSMasterKeyId is specified")
	case s.SSEType == ddb.SSETypeAes256:
		return errParameter("SSEType AES256 is not supported")
	}
	return nil
}

// withKey says whether a key of KMS is asked for. A type alone asks for one too.
func withKey(s *ddb.SSESpecification) bool {
	if s == nil {
		return false
	}
	if s.Enabled == nil {
		return s.SSEType == ddb.SSETypeKms
	}
	return *s.Enabled
}

// describeEncryption is nil for a table that has AWS's own key.
func (t *table) describeEncryption() *ddb.SSEDescription {
	if !withKey(t.Encryption) {
		return nil
	}
	return &ddb.SSEDescription{Status: ddb.SSEStatusEnabled, SSEType: ddb.SSETypeKms, KMSMasterKeyArn: t.keyARN(t.Encryption.KMSMasterKeyId)}
}

// dynamoKey is the alias of the key that DynamoDB has in every account.
const dynamoKey = "alias/aws/dynamodb"

// keyARN is the ARN of a key that is given by its id, its ARN, or an alias.
func (t *table) keyARN(key string) string {
	out := api.ARN{Partition: api.PartitionOf(t.Region), Service: "kms", Region: t.Region, Account: t.Account, Resource: "key/" + key}
	if arn, err := api.ParseARN(key); err == nil {
		if !strings.HasPrefix(arn.Resource, "alias/") {
			return key
		}
		out, key = arn, arn.Resource
	}
	if key == "" {
		key = dynamoKey
	}
	if strings.HasPrefix(key, "alias/") {
		sum := sha256.Sum256([]byte(out.Account + "/" + out.Region + "/" + key))
		id := hex.EncodeToString(sum[:16])
		out.Resource = "key/" + strings.Join([]string{id[:8], id[8:12], "4" + id[13:16], "8" + id[17:20], id[20:]}, "-")
	}
	return out.String()
}

// How often encryption may be changed: so many times at will in a window that
// the first change begins, and then once in a while.
const (
	encryptionWindow = 24 * time.Hour
	freeEncryptions  = 4
	encryptionEvery  = 6 * time.Hour
)

// changeEncryption sets what the table is encrypted with.
func (t *table) changeEncryption(to *ddb.SSESpecification, now time.Time) error {
	if n := len(t.EncryptionChanges); n > 0 {
		end, last := t.EncryptionChanges[0].Add(encryptionWindow), t.EncryptionChanges[n-1]
		next := last.Add(encryptionEvery)
		if next.After(end) {
			next = end
		}
		const layout = "2006-01-02T15:04:05.000Z"
		switch {
		case !now.Before(end):
			t.EncryptionChanges = nil
		case n >= freeEncryptions && now.Before(next):
			return errLimit("Encryption mode changes are limited in the 24h window ending at %s. After the first %d change, "+
				"each subsequent change in the same window can be performed at most once every %d seconds. "+
				"Number of updates today: %d. Last change at %s. Next changes can be made at %s.",
				end.UTC().Format(layout), freeEncryptions, int(encryptionEvery.Seconds()), n, last.UTC().Format(layout), next.UTC().Format(layout))
		}
	}
	was := t.describeEncryption()
	switch {
	case !withKey(to) && was == nil:
		return errParameter("Table is already encrypted by default")
	case withKey(to) && was != nil && to.KMSMasterKeyId == was.KMSMasterKeyArn:
		return errParameter("Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key")
	}
	t.Encryption = to
	t.EncryptionChanges = append(t.EncryptionChanges, now)
	return nil
}

// How often the class of a table may be changed.
const (
	classChanges = 2
	classWindow  = 30 * 24 * time.Hour
)

// changeClass sets the class of a table, which is a matter of its price.
func (t *table) changeClass(to ddb.TableClass, now time.Time) error {
	t.ClassChanges = slices.DeleteFunc(t.ClassChanges, func(at time.Time) bool { return !now.Before(at.Add(classWindow)) })
	if len(t.ClassChanges) >= classChanges {
		return errLimit("Updates to TableClass are limited to %d times in %d day(s).", classChanges, int(classWindow/day))
	}
	if to == t.Class || to == ddb.TableClassStandard && t.Class == "" {
		return nil
	}
	t.Class, t.ClassChanged = to, now
	t.ClassChanges = append(t.ClassChanges, now)
	return nil
}
