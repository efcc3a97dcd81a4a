package fault

import (
	"reflect"

	"github.com/virga-cloud/virga/api"
)

// Schema checks that every value of an enumeration in a document is one of
// those that the model has. What the model requires has been checked before.
func Schema(document any) error {
	if !known(reflect.ValueOf(document)) {
		return MalformedXML()
	}
	return nil
}

func known(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || known(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if !known(v.Index(i)) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && !known(v.Field(i)) {
				return false
			}
		}
	case reflect.String:
		e, ok := v.Interface().(api.Enum)
		return !ok || !Unknown(e, v.String())
	}
	return true
}
