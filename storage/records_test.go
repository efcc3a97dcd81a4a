package storage_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

type record struct {
	Name    string
	Body    []byte
	Created time.Time
	Updated *time.Time
	Size    int64
	Ratio   float64
	Tags    map[string]string
	Parts   []part
	Next    *record
	ignored int
}

type part struct {
	Number int
	ETag   string
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	exact := time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)
	zoned := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", -5*3600))
	many := make([]part, 200_000) // more than the codec takes by default
	for i := range many {
		many[i].Number = i
	}
	deep := &record{}
	for range 100 {
		deep = &record{Next: deep}
	}
	for name, c := range map[string]struct{ in, want *record }{
		"zero":  {&record{}, &record{}},
		"whole": {in: &record{"n", []byte{0, 255}, exact, &exact, -1 << 63, 0.1, map[string]string{"a": ""}, []part{{1, "e"}}, &record{}, 0}},
		"empty is not nil": {in: &record{
			Body: []byte{}, Tags: map[string]string{}, Parts: []part{},
		}},
		"times come back in UTC":  {&record{Created: zoned}, &record{Created: zoned.UTC()}},
		"strings are any bytes":   {in: &record{Name: "\xff\x00\xc0", Tags: map[string]string{"\xfe": "\xfd"}}},
		"many parts":              {in: &record{Parts: many}},
		"deep":                    {in: deep},
		"unexported fields stay":  {&record{ignored: 1}, &record{}},
		"before 1970, after 2262": {in: &record{Created: time.Date(1, 1, 2, 0, 0, 0, 1, time.UTC), Updated: new(time.Date(9999, 1, 1, 0, 0, 0, 1, time.UTC))}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want == nil {
				c.want = c.in
			}
			err := open(t).Update(func(tx storage.Tx) error {
				key := storage.Key{}.String("k")
				if err := storage.PutRecord(tx, key, c.in); err != nil {
					return err
				}
				got, err := storage.GetRecord[record](tx, key)
				if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(record{})); diff != "" {
					t.Error(diff)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRecordsOfOtherVersions(t *testing.T) {
	type older struct{ Name, Gone string }
	type newer struct {
		Name string
		New  int
	}
	db := open(t)
	key := storage.Key{}.String("k")
	err := db.Update(func(tx storage.Tx) error {
		if err := storage.PutRecord(tx, key, &older{"n", "g"}); err != nil {
			return err
		}
		got, err := storage.GetRecord[newer](tx, key)
		if diff := cmp.Diff(&newer{Name: "n"}, got); diff != "" {
			t.Error(diff)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestARecordThatIsNoneSaysWhich(t *testing.T) {
	db := open(t)
	err := db.Update(func(tx storage.Tx) error {
		if _, err := storage.GetRecord[record](tx, []byte("none")); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a missing record: %v", err)
		}
		if err := tx.Set([]byte("bad"), []byte("\xff")); err != nil {
			return err
		}
		if _, err := storage.GetRecord[record](tx, []byte("bad")); err == nil || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("a record of noise: %v", err)
		}
		n := 0
		for _, err := range storage.Records[record](tx, storage.Range{}) {
			if n++; err == nil {
				t.Error("a scan over noise has no error")
			}
		}
		if n != 1 {
			t.Errorf("%d steps", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestScanOfRecords(t *testing.T) {
	db := open(t)
	prefix := storage.Key{}.String("part")
	err := db.Update(func(tx storage.Tx) error {
		for i := range 5 {
			if err := storage.PutRecord(tx, prefix.Uint64(uint64(i)), &part{Number: i}); err != nil {
				return err
			}
		}
		r := storage.Prefix(prefix)
		var got []*part
		for item, err := range storage.Records[part](tx, r) {
			if err != nil {
				return err
			}
			if n := storage.ReadKey(item.Key).Skip(len(prefix)).Uint64(); n != uint64(item.Value.Number) {
				t.Errorf("key %d has record %d", n, item.Value.Number)
			}
			got = append(got, item.Value) // each is its own
		}
		if diff := cmp.Diff([]*part{{}, {Number: 1}, {Number: 2}, {Number: 3}, {Number: 4}}, got); diff != "" {
			t.Error(diff)
		}
		r.KeysOnly = true
		for item, err := range storage.Records[part](tx, r) {
			if err != nil || item.Value != nil {
				t.Errorf("keys only: %+v (%v)", item, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCacheSharesWhatHasNotChanged(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			db, _ := open(t)
			cache := storage.NewCache[part](2)
			key := func(i int) storage.Key { return storage.Key{}.Uint64(uint64(i)) }
			put := func(i int, etag string) {
				t.Helper()
				if err := db.Update(func(tx storage.Tx) error { return storage.PutRecord(tx, key(i), &part{i, etag}) }); err != nil {
					t.Fatal(err)
				}
			}
			get := func(i int) (p *part) {
				t.Helper()
				err := db.View(func(tx storage.Tx) (err error) {
					p, err = cache.Get(tx, key(i))
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			put(1, "a")
			first := get(1)
			if get(1) != first {
				t.Error("decoded again without a change")
			}
			put(1, "b")
			if got := get(1); got == first || got.ETag != "b" || first.ETag != "a" {
				t.Errorf("after a change: %+v", got)
			}
			for i := 2; i < 10; i++ { // more than it holds
				put(i, "x")
				if got := get(i); got.Number != i {
					t.Errorf("%+v", got)
				}
			}
			err := db.Update(func(tx storage.Tx) error {
				if err := storage.PutRecord(tx, key(1), &part{1, "not committed"}); err != nil {
					return err
				}
				if p, err := cache.Get(tx, key(1)); err != nil || p.ETag != "not committed" {
					t.Errorf("a transaction does not see its own write: %+v (%v)", p, err)
				}
				return errors.New("given up")
			})
			if got := get(1); err == nil || got.ETag != "b" {
				t.Errorf("the cache kept what was never committed: %+v", got)
			}
			if err := db.Update(func(tx storage.Tx) error { return tx.Delete(key(1)) }); err != nil {
				t.Fatal(err)
			}
			if err := db.View(func(tx storage.Tx) error {
				_, err := cache.Get(tx, key(1))
				return err
			}); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("after a delete: %v", err)
			}
		})
	}
}

// What is put through a cache is kept as it was given, from the commit on.
func TestCacheKeepsWhatIsPut(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			db, _ := open(t)
			cache, key := storage.NewCache[part](2), storage.Key{}.Uint64(1)
			look := func() (p *part, b []byte) {
				t.Helper()
				err := db.View(func(tx storage.Tx) (err error) {
					p, b, err = cache.Look(tx, key)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				return p, b
			}
			put := func(p *part, failure error) {
				t.Helper()
				err := db.Update(func(tx storage.Tx) error {
					if err := cache.Put(tx, key, p); err != nil {
						return err
					}
					return failure
				})
				if err != failure {
					t.Fatal(err)
				}
			}
			first, second := &part{1, "a"}, &part{2, "b"}
			put(first, nil)
			if got, _ := look(); got != first {
				t.Errorf("%+v is not what was put", got)
			}
			put(second, errors.New("given up"))
			if got, b := look(); got != nil || len(b) == 0 {
				t.Errorf("%+v was never committed (%x)", got, b)
			}
			put(second, nil)
			if got, _ := look(); got != second {
				t.Errorf("%+v is not what was put last", got)
			}
		})
	}
}

func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	db, _ := storagetest.Open(t)
	cache := storage.NewCache[part](3)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				key := storage.Key{}.Uint64(uint64(n % 5))
				err := db.Update(func(tx storage.Tx) error {
					if err := storage.PutRecord(tx, key, &part{n, fmt.Sprint(i)}); err != nil {
						return err
					}
					p, err := cache.Get(tx, key)
					if err == nil && (p.Number != n || p.ETag != fmt.Sprint(i)) {
						t.Errorf("%+v, want %d %d", p, n, i)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
