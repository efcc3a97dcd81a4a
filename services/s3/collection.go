package s3

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/virga-cloud/virga/storage"
)

// collection is a kind of setting of which a bucket has many, by their ids.
type collection[T any] struct{ kind settingKind }

// Limits of a bucket's configurations of one kind, and of a page of them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketInventoryConfiguration.html
const (
	maxConfigurations  = 1000
	configurationsPage = 100
	maxConfigurationID = 64
)

// checkConfigurationID checks an id, which the request's document repeats.
func checkConfigurationID(id, inside string) error {
	const legal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	if id == "" || len(id) > maxConfigurationID || strings.Trim(id, legal) != "" || id != inside {
		return errInvalidConfigurationID()
	}
	return nil
}

// get is a configuration of a bucket.
func (k collection[T]) get(s *Service, name, owner, id string) (v *T, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, owner)
		if err != nil {
			return err
		}
		v, err = storage.GetRecord[T](tx, keyConfiguration(b.ID, k.kind, id))
		if errors.Is(err, storage.ErrNotFound) {
			err = errNoSuchConfiguration()
		}
		return err
	})
	return v, err
}

// put gives a bucket a configuration, in the place of one that has its id.
func (k collection[T]) put(s *Service, name, owner, id string, v *T) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, owner)
		if err != nil {
			return err
		}
		at := keyConfiguration(b.ID, k.kind, id)
		if _, err := tx.Get(at); errors.Is(err, storage.ErrNotFound) {
			keys, err := storage.FirstKeys(tx, storage.Prefix(keySetting(b.ID, k.kind)), maxConfigurations)
			if err != nil {
				return err
			}
			if len(keys) == maxConfigurations {
				return errTooManyConfigurations()
			}
		} else if err != nil {
			return err
		}
		return storage.PutRecord(tx, at, v)
	})
}

// remove takes a configuration from a bucket.
func (k collection[T]) remove(s *Service, name, owner, id string) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, owner)
		if err != nil {
			return err
		}
		at := keyConfiguration(b.ID, k.kind, id)
		if _, err := tx.Get(at); errors.Is(err, storage.ErrNotFound) {
			return errNoSuchConfiguration()
		} else if err != nil {
			return err
		}
		return tx.Delete(at)
	})
}

// configurations are a page of a bucket's configurations, and the token of the next ("" for the last).
type configurations[T any] struct {
	items []*T
	next  string
}

func (p configurations[T]) truncated() *bool { return new(p.next != "") }

// list is the page that a token names, the first for "".
func (k collection[T]) list(s *Service, name, owner, token string) (p configurations[T], err error) {
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return p, errMalformedToken()
	}
	err = s.env.DB.View(func(tx storage.Tx) error {
		p = configurations[T]{}
		b, err := s.bucket(tx, name, owner)
		if err != nil {
			return err
		}
		root := keySetting(b.ID, k.kind)
		r := storage.Prefix(root)
		if token != "" {
			r.Start = afterKey(root, string(after), false)
		}
		var last string
		for item, err := range storage.Records[T](tx, r) {
			if err != nil {
				return err
			}
			if len(p.items) == configurationsPage {
				p.next = base64.RawURLEncoding.EncodeToString([]byte(last))
				return nil
			}
			key := storage.ReadKey(item.Key).Skip(len(root))
			last = key.String()
			if err := key.Err(); err != nil {
				return err
			}
			p.items = append(p.items, item.Value)
		}
		return nil
	})
	return p, err
}
