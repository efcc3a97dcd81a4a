package protocol

import "strings"

// What a service says of JSON that its model does not fit. The words are those
// of DynamoDB, and of what AWS's other services that speak awsJson share with
// it: they name Java's classes.

// element is the error for an element of a list or map that should be a
// structure, a list or a map and is a simple value; nil when it may be one.
func (r *jsonReader) element(sh *shape) error {
	text := ""
	switch sh.value().kind {
	case kindStruct, kindAttribute:
		text = "Unexpected value type in payload"
	case kindList, kindMap:
		text = parameterizedType
	default:
		return nil
	}
	switch r.space() {
	case '{', '[', 'n':
		return nil
	}
	return errSerialization(text)
}

// parameterizedType is what comes of a simple value in the place of a
// collection in a collection.
const parameterizedType = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class " +
	"(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')"

// wrongType is the error for a value that is not what the shape demands, in
// the words that DynamoDB answers with.
func (r *jsonReader) wrongType(sh *shape) error {
	namespace := javaNamespace(r.d.op.Service)
	switch c := r.space(); {
	case c == '{':
		return errSerialization("Start of structure or map found where not expected")
	case c == '[':
		return errSerialization("Unrecognized collection type " + javaType(sh, namespace))
	case sh.kind == kindStruct || sh.kind == kindList || sh.kind == kindMap || sh.kind == kindAttribute:
		return errSerialization("Unexpected field type")
	case c == '"' && sh.kind == kindBool:
		return errSerialization("Unexpected token received from parser")
	default:
		found := ""
		switch {
		case c == '"':
			found = "STRING_VALUE"
		case c == 't':
			found = "TRUE_VALUE"
		case c == 'f':
			found = "FALSE_VALUE"
		case c == '-' || c >= '0' && c <= '9':
			found = "NUMBER_VALUE"
			raw, err := r.number()
			if err != nil {
				return err
			}
			for _, c := range raw {
				if c == '.' || c == 'e' || c == 'E' {
					found = "DECIMAL_VALUE"
				}
			}
		default:
			return errJSONSyntax
		}
		return errSerialization(found + " cannot be converted to " + javaSimpleType(sh))
	}
}

// javaSimpleType is the class that AWS's services hold a simple value in.
func javaSimpleType(sh *shape) string {
	switch sh.kind {
	case kindBool:
		return "Boolean"
	case kindInt32:
		return "Integer"
	case kindInt64:
		return "Long"
	case kindFloat32:
		return "Float"
	case kindFloat64:
		return "Double"
	case kindTime:
		return "Date"
	}
	return "String"
}

// javaType is a type as it stands in messages about collections.
func javaType(sh *shape, namespace string) string {
	switch sh := sh.value(); sh.kind {
	case kindStruct:
		return "class " + namespace + "." + sh.name
	case kindAttribute:
		return "class " + namespace + ".AttributeValue"
	case kindMap:
		elem := javaType(sh.elem, namespace)
		if inner := sh.elem.value(); inner.kind == kindList {
			elem = "java.util.List<" + strings.TrimPrefix(javaType(inner.elem, namespace), "class ") + ">"
		}
		return "java.util.Map<java.lang.String, " + strings.TrimPrefix(elem, "class ") + ">"
	case kindBlob:
		return "class java.nio.ByteBuffer"
	case kindTime:
		return "class java.util.Date"
	case kindList:
		return "class java.util.List"
	default:
		return "class java.lang." + javaSimpleType(sh)
	}
}
