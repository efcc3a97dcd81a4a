package s3

import "github.com/virga-cloud/virga/storage"

// The keys of this service. Buckets have ids, so that a bucket that is deleted
// and made again has nothing of the old one.
//
//	s3 n <name>                          bucket   bucket names are unique across accounts and regions
//	s3 a <account> <name>                nothing  the buckets of an account, as ListBuckets shows them
//	s3 o <bucket> <key>                  object   the current version of each key that is an object, as listings show them
//	s3 v <bucket> <key>                  object   the current version of each key that is a delete marker
//	s3 v <bucket> <key> <^sequence>      object   the versions that are not current, the newest first (see version.go)
//	s3 b <bucket> <body id>              body     of objects whose body does not fit their record; its bytes alone where they are all there is
//	s3 u <bucket> <key> <upload id>      upload   a multipart upload under way
//	s3 p <bucket> <upload id> <number>   part     its parts
//	s3 g <bucket> <upload id>            nothing  an upload that has ended and may have parts left (see sweep.go)
//	s3 d <bucket>                        nothing  a bucket that was deleted and may have uploads or settings left
//	s3 c <bucket> <kind> [<id>]          setting  a configuration of the bucket (see setting.go); of some kinds it has many
//	s3 l <bucket> <sequence>             line     a line of the bucket's log that is yet to be delivered (see logging.go)
//	s3 r <time> <bucket> <key> <seq.>    reminder what to tell of a restored object, and when (in milliseconds since 1970)
//	s3 k <arn>                           kmsKey   the keys and aliases of KMS that objects are sealed with
var (
	rootBuckets  = storage.Key{}.String("s3").String("n")
	rootAccounts = storage.Key{}.String("s3").String("a")
	rootObjects  = storage.Key{}.String("s3").String("o")
	rootVersions = storage.Key{}.String("s3").String("v")
	rootBodies   = storage.Key{}.String("s3").String("b")
	rootUploads  = storage.Key{}.String("s3").String("u")
	rootParts    = storage.Key{}.String("s3").String("p")
	rootEnded    = storage.Key{}.String("s3").String("g")
	rootDeleted  = storage.Key{}.String("s3").String("d")
	rootSettings = storage.Key{}.String("s3").String("c")
	rootLogs     = storage.Key{}.String("s3").String("l")
	rootRestored = storage.Key{}.String("s3").String("r")
	rootKMS      = storage.Key{}.String("s3").String("k")
)

func keyBucket(name string) storage.Key { return rootBuckets.String(name) }

func keyAccountBucket(account, name string) storage.Key {
	return rootAccounts.String(account).String(name)
}

func keyObject(bucket uint64, key string) storage.Key {
	return rootObjects.Uint64(bucket).String(key)
}

func keyMarker(bucket uint64, key string) storage.Key {
	return rootVersions.Uint64(bucket).String(key)
}

func keyVersion(bucket uint64, key string, sequence uint64) storage.Key {
	return keyMarker(bucket, key).Uint64(^sequence)
}

func keyBody(bucket uint64, id []byte) storage.Key {
	return rootBodies.Uint64(bucket).Raw(id)
}

func keyUpload(bucket uint64, key, upload string) storage.Key {
	return rootUploads.Uint64(bucket).String(key).String(upload)
}

func keyPart(bucket uint64, upload string, number int32) storage.Key {
	return rootParts.Uint64(bucket).String(upload).Uint64(uint64(number))
}

func keyEnded(bucket uint64, upload string) storage.Key {
	return rootEnded.Uint64(bucket).String(upload)
}

func keyDeleted(bucket uint64) storage.Key { return rootDeleted.Uint64(bucket) }

func keySetting(bucket uint64, kind settingKind) storage.Key {
	return rootSettings.Uint64(bucket).Uint64(uint64(kind))
}

func keyLogLine(bucket, sequence uint64) storage.Key { return logOf(bucket).Uint64(sequence) }

func keyReminder(at int64, bucket uint64, key string, sequence uint64) storage.Key {
	return rootRestored.Uint64(uint64(at)).Uint64(bucket).String(key).Uint64(sequence)
}

func keyKMS(arn string) storage.Key { return rootKMS.String(arn) }

func keyConfiguration(bucket uint64, kind settingKind, id string) storage.Key {
	return keySetting(bucket, kind).String(id)
}

// The roots that a bucket's or an upload's children are scanned under.

func logOf(bucket uint64) storage.Key     { return rootLogs.Uint64(bucket) }
func objectsOf(bucket uint64) storage.Key { return rootObjects.Uint64(bucket) }
func uploadsOf(bucket uint64) storage.Key { return rootUploads.Uint64(bucket) }
func settingsOf(bucket uint64) storage.Key {
	return rootSettings.Uint64(bucket)
}
func versionsOf(bucket uint64) storage.Key { return rootVersions.Uint64(bucket) }
func partsOf(bucket uint64, upload string) storage.Key {
	return rootParts.Uint64(bucket).String(upload)
}

// afterKey is the first key under root whose string sorts behind all that are s
// or, for a group, begin with s.
func afterKey(root storage.Key, s string, group bool) []byte {
	if group {
		return storage.PrefixEnd(root.StringPrefix(s))
	}
	return storage.PrefixEnd(root.String(s))
}
