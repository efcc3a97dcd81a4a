package iam

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/storage"
)

// kind tells roles, users and groups apart.
type kind struct {
	// name is in ARNs and keys, title in messages, prefix begins unique ids.
	name, title, prefix string
}

var (
	roles  = kind{"role", "Role", "AROA"}
	users  = kind{"user", "User", "AIDA"}
	groups = kind{"group", "Group", "AGPA"}
)

// entity is the record of a role, a user or a group.
type entity struct {
	Path, Name, ID, Description string
	Created                     time.Time
	Tags                        map[string]string
	// Trust is a role's trust policy.
	Trust      string
	MaxSession int32
	// Embedded are inline policies by name; Attached are ARNs of managed ones, sorted.
	Embedded map[string]string
	Attached []string
	// Groups are those that a user is in, as they are compared, sorted.
	Groups []string
}

func (e *entity) arn(k kind, account string) string {
	return "arn:aws:iam::" + account + ":" + k.name + e.Path + e.Name
}

// fold is a name as it is compared: without regard to case.
func fold(name string) string { return strings.ToLower(name) }

func account(ctx context.Context) string { return api.CallFrom(ctx).Account }

// newEntity checks and makes the record of a new entity.
func (s *Service) newEntity(ctx context.Context, k kind, path, name string, tags []*iam.Tag) (*entity, error) {
	if path == "" {
		path = "/"
	}
	if !strings.HasPrefix(path, "/") || !strings.HasSuffix(path, "/") {
		return nil, errPath()
	}
	t, err := tagMap(tags)
	if err != nil {
		return nil, err
	}
	return &entity{
		Path: path, Name: name, ID: k.prefix + s.env.IDs.String(ids.Base32, 17), Tags: t,
		Created: api.CallFrom(ctx).Time.Truncate(time.Second),
	}, nil
}

// create stores a new entity.
func (s *Service) create(ctx context.Context, k kind, e *entity) error {
	key := k.entityKey(account(ctx), e.Name)
	return s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := tx.Get(key); err == nil {
			return errExists(k, e.Name)
		} else if !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		return storage.PutRecord(tx, key, e)
	})
}

// get reads an entity.
func (s *Service) get(tx storage.Tx, k kind, account, name string) (*entity, error) {
	e, err := storage.GetRecord[entity](tx, k.entityKey(account, name))
	return e, absent(err, errNoEntity(k, name))
}

// view reads an entity in a transaction of its own.
func (s *Service) view(ctx context.Context, k kind, name string) (e *entity, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		e, err = s.get(tx, k, account(ctx), name)
		return err
	})
	return e, err
}

// change reads, edits and stores an entity.
func (s *Service) change(ctx context.Context, k kind, name string, edit func(storage.Tx, *entity) error) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		e, err := s.get(tx, k, account(ctx), name)
		if err != nil {
			return err
		}
		if err := edit(tx, e); err != nil {
			return err
		}
		return storage.PutRecord(tx, k.entityKey(account(ctx), name), e)
	})
}

// remove deletes an entity that nothing hangs on any more.
func (s *Service) remove(ctx context.Context, k kind, name string) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		e, err := s.get(tx, k, account(ctx), name)
		if err != nil {
			return err
		}
		switch {
		case len(e.Attached) > 0:
			return errConflict("Cannot delete entity, must detach all policies first.")
		case len(e.Embedded) > 0:
			return errConflict("Cannot delete entity, must delete policies first.")
		}
		switch k {
		case groups:
			members, err := s.members(tx, account(ctx), name)
			if err != nil {
				return err
			}
			if len(members) > 0 {
				return errConflict("Cannot delete entity, must remove users from group first.")
			}
		case users:
			if len(e.Groups) > 0 {
				return errConflict("Cannot delete entity, must remove users from group first.")
			}
			for _, err := range tx.Scan(storage.Prefix(userKeysKey(account(ctx), name))) {
				if err != nil {
					return err
				}
				return errConflict("Cannot delete entity, must delete access keys first.")
			}
		}
		return tx.Delete(k.entityKey(account(ctx), name))
	})
}

// list reads the entities below a path, by name.
func (s *Service) list(ctx context.Context, k kind, pathPrefix string) (all []*entity, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		all, err = records[entity](tx, storage.Prefix(k.entitiesKey(account(ctx))))
		return err
	})
	return slices.DeleteFunc(all, func(e *entity) bool { return !strings.HasPrefix(e.Path, pathPrefix) }), err
}
