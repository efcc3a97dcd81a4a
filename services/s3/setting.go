package s3

import (
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// A setting is a configuration of a bucket. It lies in a record of its own, so
// that the bucket's, which every write of an object reads, stays small; that one
// holds a bit for each kind of setting the bucket has, so that a bucket without
// a setting costs nobody a read.

// settingKind is a kind of setting; keys and the bits of buckets hold the numbers.
type settingKind uint8

const (
	kindPolicy settingKind = iota + 1
	kindACL
	kindEncryption
	kindLogging
	kindLifecycle
	kindReplication
	kindWebsite
	kindCORS
	kindRequestPayment
	kindAccelerate
	kindInventory
	kindAnalytics
	kindMetrics
	kindTiering
	kindABAC
)

// kinds is a set of kinds.
type kinds uint64

func (k kinds) has(kind settingKind) bool { return k&(1<<kind) != 0 }

// setting is a kind of setting of which a bucket has at most one. T is what is
// stored: the model's own structure wherever that is all there is to know.
type setting[T any] struct {
	kind settingKind
	// code and message are the error for a bucket that has none.
	code, message string
	cache         *storage.Cache[T]
}

func newSetting[T any](kind settingKind, code, message string) setting[T] {
	return setting[T]{kind, code, message, storage.NewCache[T](1024)}
}

// of is the setting of a bucket, or nil. It is shared and must not be modified.
func (k *setting[T]) of(tx storage.Tx, b *bucket) (*T, error) {
	if !b.Settings.has(k.kind) {
		return nil, nil
	}
	return k.cache.Get(tx, keySetting(b.ID, k.kind))
}

// view is the setting of a bucket that is named by a request, or nil.
func (k *setting[T]) view(s *Service, name, owner string) (v *T, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, owner)
		if err != nil {
			return err
		}
		v, err = k.of(tx, b)
		return err
	})
	return v, err
}

// bucketsWith are the names of all buckets that have a setting of a kind, and of
// those that were found before an error.
func (s *Service) bucketsWith(kind settingKind) (names []string, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		for r, err := range storage.Records[bucket](tx, storage.Prefix(rootBuckets)) {
			if err != nil {
				return err
			}
			if r.Value.Settings.has(kind) {
				names = append(names, r.Value.Name)
			}
		}
		return nil
	})
	return names, err
}

// get is view for who must answer with an error when there is none.
func (k *setting[T]) get(s *Service, name, owner string) (*T, error) {
	v, err := k.view(s, name, owner)
	if err == nil && v == nil {
		err = errNone(k.code, k.message, name)
	}
	return v, err
}

// put gives a bucket the setting. allow, which may be nil, looks at the bucket first.
func (k *setting[T]) put(s *Service, name, owner string, v *T, allow func(storage.Tx, *bucket) error) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, owner)
		if err != nil {
			return err
		}
		if allow != nil {
			if err := allow(tx, b); err != nil {
				return err
			}
		}
		return k.set(tx, b, v)
	})
}

// set is put for a bucket that has been read, which it does not modify.
func (k *setting[T]) set(tx storage.Tx, b *bucket, v *T) error {
	if !b.Settings.has(k.kind) {
		changed := *b
		changed.Settings |= 1 << k.kind
		if err := storage.PutRecord(tx, keyBucket(b.Name), &changed); err != nil {
			return err
		}
	}
	return storage.PutRecord(tx, keySetting(b.ID, k.kind), v)
}

// remove takes the setting from a bucket, which need not have it.
func (k *setting[T]) remove(s *Service, name, owner string) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, owner)
		if err != nil {
			return err
		}
		return k.unset(tx, b)
	})
}

// unset is remove for a bucket that has been read, which it does not modify.
func (k *setting[T]) unset(tx storage.Tx, b *bucket) error {
	if !b.Settings.has(k.kind) {
		return nil
	}
	changed := *b
	changed.Settings &^= 1 << k.kind
	if err := storage.PutRecord(tx, keyBucket(b.Name), &changed); err != nil {
		return err
	}
	return tx.Delete(keySetting(b.ID, k.kind))
}

// settings are the kinds there are, one line each.
type settings struct {
	policy      setting[policy]
	acl         setting[bucketACL]
	cors        setting[s3.CORSConfiguration]
	website     setting[s3.WebsiteConfiguration]
	lifecycle   setting[lifecycleRules]
	replication setting[s3.ReplicationConfiguration]
	encryption  setting[s3.ServerSideEncryptionRule]
	logging     setting[s3.LoggingEnabled]
	payment     setting[payment]
	accelerate  setting[s3.AccelerateConfiguration]
	abac        setting[s3.AbacStatus]

	inventory collection[s3.InventoryConfiguration]
	analytics collection[s3.AnalyticsConfiguration]
	metrics   collection[s3.MetricsConfiguration]
	tiering   collection[s3.IntelligentTieringConfiguration]
}

func newSettings() settings {
	return settings{
		policy:      newSetting[policy](kindPolicy, "NoSuchBucketPolicy", "The bucket policy does not exist"),
		acl:         newSetting[bucketACL](kindACL, "", ""), // absent is the owner's full control
		cors:        newSetting[s3.CORSConfiguration](kindCORS, "NoSuchCORSConfiguration", "The CORS configuration does not exist"),
		website:     newSetting[s3.WebsiteConfiguration](kindWebsite, "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
		lifecycle:   newSetting[lifecycleRules](kindLifecycle, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
		replication: newSetting[s3.ReplicationConfiguration](kindReplication, "ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
		encryption:  newSetting[s3.ServerSideEncryptionRule](kindEncryption, "", ""), // every bucket has one
		logging:     newSetting[s3.LoggingEnabled](kindLogging, "", ""),              // absent is off
		payment:     newSetting[payment](kindRequestPayment, "", ""),
		accelerate:  newSetting[s3.AccelerateConfiguration](kindAccelerate, "", ""),
		abac:        newSetting[s3.AbacStatus](kindABAC, "", ""),

		inventory: collection[s3.InventoryConfiguration]{kindInventory},
		analytics: collection[s3.AnalyticsConfiguration]{kindAnalytics},
		metrics:   collection[s3.MetricsConfiguration]{kindMetrics},
		tiering:   collection[s3.IntelligentTieringConfiguration]{kindTiering},
	}
}
