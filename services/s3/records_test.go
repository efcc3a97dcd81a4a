package s3

import (
	"reflect"
	"strings"
	"testing"
)

// Of two members of a record with one number only the outer is kept, silently.
func TestRecordsNumberTheirMembersOnce(t *testing.T) {
	for _, record := range []any{object{}, bucket{}, upload{}, part{}, body{}, versionSummary{}, encryption{}, restoration{}, reminder{}, kmsKey{}} {
		seen := map[string]string{}
		var walk func(reflect.Type)
		walk = func(of reflect.Type) {
			for f := range of.Fields() {
				tag, ok := f.Tag.Lookup("cbor")
				if !ok {
					if f.Anonymous {
						walk(f.Type)
					}
					continue
				}
				number, _, _ := strings.Cut(tag, ",")
				if other := seen[number]; other != "" {
					t.Errorf("%T: %s and %s have the number %s", record, other, f.Name, number)
				}
				seen[number] = f.Name
			}
		}
		walk(reflect.TypeOf(record))
	}
}
