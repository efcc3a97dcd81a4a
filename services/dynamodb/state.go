package dynamodb

import (
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// Tables change their states at once, unless the configuration says how long
// that is to take, for who wants to see how his program waits.

// state is that of a table which is neither at rest nor being filled.
type state struct {
	Status ddb.TableStatus
	// Until is when it is over. A table that is being deleted is so until it is gone.
	Until time.Time
}

// enter puts a table into a state for a while, if that is how long it takes.
func (t *table) enter(status ddb.TableStatus, now time.Time, d time.Duration) {
	if d > 0 {
		t.State = &state{status, now.Add(d)}
	}
}

// status is the state of a table.
func (t *table) status(now time.Time) ddb.TableStatus {
	switch {
	case t.building():
		return ddb.TableStatusCreating
	case t.State == nil, t.State.Status != ddb.TableStatusDeleting && !now.Before(t.State.Until):
		return ddb.TableStatusActive
	}
	return t.State.Status
}

// hidden says whether a table can only be described: it is not there yet, or
// about to go.
func (t *table) hidden(now time.Time) bool {
	status := t.status(now)
	return status == ddb.TableStatusCreating || status == ddb.TableStatusDeleting
}

// changeable reads the record of a table that is to be changed. One that is
// being filled is not there for that.
func (s *Service) changeable(tx storage.Tx, id tableID, now time.Time) (*table, error) {
	t, err := s.deletable(tx, id, now)
	if t != nil && t.building() {
		return nil, errNoSuchTable(id.name)
	}
	return t, err
}

// deletable reads the record of a table that is to be deleted. The table comes
// with the error that it can not be.
func (s *Service) deletable(tx storage.Tx, id tableID, now time.Time) (*table, error) {
	t, err := s.anyRecord(tx, id)
	if err != nil {
		return nil, err
	}
	switch t.status(now) {
	case ddb.TableStatusCreating:
		return t, errInUse("Table is being created: %s", t.Name)
	case ddb.TableStatusUpdating:
		return t, errInUse("Table: %s is in the process of being updated.", t.Name)
	case ddb.TableStatusDeleting:
		return t, errInUse("Table is being deleted: %s", t.Name)
	}
	return t, nil
}
