package main

import (
	"fmt"
	"sort"
	"strings"
	"unicode"

	"github.com/virga-cloud/virga/cmd/apigen/model"
)

// types are the structures, in the order of their names.
func (g *generator) types() string {
	var b strings.Builder
	for _, s := range g.sorted("structure") {
		if s.Exception || g.mapped(s.Name) || s.Document {
			continue
		}
		name := g.structName(s.Name)
		switch {
		case s.EventStream:
			fmt.Fprintf(&b, "// %s is one event of a stream: exactly one member is set.\n", name)
		case s.Union:
			fmt.Fprintf(&b, "// %s is a union: exactly one member is set.\n", name)
		default:
			fmt.Fprintf(&b, "// %s is the structure of that name in the model.\n", name)
		}
		g.structure(&b, name, s, nil)
		if s.Union || s.EventStream {
			fmt.Fprintf(&b, "// IsUnion implements api.Union.\nfunc (*%s) IsUnion() {}\n\n", name)
		}
	}
	return b.String()
}

// structure writes a struct with the given members added at its end.
func (g *generator) structure(b *strings.Builder, name string, s *model.Shape, added []string) {
	fmt.Fprintf(b, "type %s struct {\n", name)
	for _, m := range s.Members.Names {
		fmt.Fprintf(b, "\t%s %s `aws:%q`\n", fieldName(m), g.memberType(s, m), g.model.Tag(s, m, g.mapped))
	}
	for _, line := range added {
		fmt.Fprintf(b, "\t%s\n", line)
	}
	b.WriteString("}\n\n")
}

func (g *generator) memberType(s *model.Shape, member string) string {
	ref := s.Members.ByName[member]
	target := g.model.Shapes.ByName[ref.Shape]
	switch {
	case target.EventStream:
		return "iter.Seq2[*" + g.structName(ref.Shape) + ", error]"
	case model.IsStream(ref, target):
		return "io.ReadCloser"
	}
	t := g.goType(ref.Shape, nil)
	switch target.Type {
	case "integer", "long", "float", "double", "boolean", "short", "byte":
		return "*" + t
	case "string", "character":
		for _, p := range g.over.Pointers {
			if p == s.Name+"."+member {
				return "*" + t
			}
		}
	}
	return t
}

// goType is the type of a shape as an element: a pointer for structures only.
func (g *generator) goType(shape string, within []string) string {
	if t, ok := g.over.Types[shape]; ok {
		return t.Type
	}
	s := g.model.Shapes.ByName[shape]
	if s.Document {
		return "any"
	}
	if s.Type == "list" || s.Type == "map" {
		for _, w := range within {
			if w == shape {
				panic(fmt.Sprintf("%s: %s contains itself without a structure between; it needs a hand-written type in overrides.json", g.pkg, shape))
			}
		}
		within = append(within[:len(within):len(within)], shape)
	}
	switch s.Type {
	case "structure":
		return "*" + g.structName(shape)
	case "list":
		return "[]" + g.goType(s.Member.Shape, within)
	case "map":
		return "map[string]" + g.goType(s.Value.Shape, within)
	case "string", "character":
		if len(s.Enum) > 0 {
			return exported(shape)
		}
		return "string"
	case "blob":
		return "[]byte"
	case "timestamp":
		return "time.Time"
	case "boolean":
		return "bool"
	case "integer", "short", "byte":
		return "int32"
	case "long":
		return "int64"
	case "float":
		return "float32"
	case "double":
		return "float64"
	}
	panic(fmt.Sprintf("%s: %s has the unknown type %q", g.pkg, shape, s.Type))
}

// enums are the enumerations with their values.
func (g *generator) enums() string {
	var b strings.Builder
	taken := map[string]bool{}
	for _, n := range g.model.Operations.Names {
		taken[n], taken[n+"Input"], taken[n+"Output"] = true, true, true
	}
	for n := range g.used {
		taken[exported(n)], taken[g.structName(n)] = true, true
	}
	for _, s := range g.sorted("string") {
		if len(s.Enum) == 0 {
			continue
		}
		name := exported(s.Name)
		fmt.Fprintf(&b, "// %s is an enumeration of the model.\ntype %s string\n\n// The values of %s.\nconst (\n", name, name, name)
		for _, v := range s.Enum {
			c := name + constName(v)
			for taken[c] {
				c += "_"
			}
			taken[c] = true
			fmt.Fprintf(&b, "\t%s %s = %q\n", c, name, v)
		}
		fmt.Fprintf(&b, ")\n\nvar values%s = []string{", name)
		for _, v := range s.Enum {
			fmt.Fprintf(&b, "%q, ", v)
		}
		fmt.Fprintf(&b, "}\n\n// Values implements api.Enum.\nfunc (%s) Values() []string { return values%s }\n\n", name, name)
	}
	return b.String()
}

// errors are the modelled errors.
func (g *generator) errors() string {
	var b strings.Builder
	for _, s := range g.exceptions() {
		name := g.structName(s.Name)
		fmt.Fprintf(&b, "// %s is the error of that name in the model.\n", name)
		message, added := "", []string(nil)
		for _, m := range s.Members.Names {
			if strings.EqualFold(m, "message") || strings.EqualFold(m, "errorMessage") {
				message = fieldName(m)
			}
		}
		if message == "" {
			message = "Message"
			added = []string{"Message string `aws:\"message\"`"}
		}
		g.structure(&b, name, s, added)
		fmt.Fprintf(&b, "func (e *%s) Error() string { return %q + e.%s }\n\n", name, s.Name+": ", message)
		fmt.Fprintf(&b, "// Shape implements api.ModelledError.\nfunc (*%s) Shape() *api.ErrorShape { return &shape%s }\n\n", name, name)
		status, code, server := 400, "", s.Fault
		if s.Fault {
			status = 500
		}
		if s.Error != nil {
			if s.Error.HTTPStatusCode != 0 {
				status = s.Error.HTTPStatusCode
			}
			code = s.Error.Code
		}
		if o := g.over.Errors[s.Name]; o.Status != 0 || o.Code != "" {
			if o.Status != 0 {
				status = o.Status
			}
			if o.Code != "" {
				code = o.Code
			}
		}
		server = server || status >= 500
		fmt.Fprintf(&b, "var shape%s = api.ErrorShape{Name: %q", name, s.Name)
		if code != "" && code != s.Name {
			fmt.Fprintf(&b, ", Code: %q", code)
		}
		fmt.Fprintf(&b, ", Status: %d", status)
		if server {
			b.WriteString(", Server: true")
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

func (g *generator) exceptions() []*model.Shape {
	var out []*model.Shape
	for _, s := range g.sorted("structure") {
		if s.Exception {
			out = append(out, s)
		}
	}
	return out
}

func (g *generator) sorted(kind string) []*model.Shape {
	var out []*model.Shape
	for _, s := range g.model.Shapes.ByName {
		if s.Type == kind && g.used[s.Name] > 0 {
			out = append(out, s)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func (g *generator) mapped(shape string) bool { return g.over.Types[shape].Type != "" }

func (g *generator) structName(shape string) string {
	if n := g.names[shape]; n != "" {
		return n
	}
	return exported(shape)
}

// fieldName is the Go name of a member; methods of the structs keep theirs.
func fieldName(member string) string {
	n := exported(member)
	switch n {
	case "Error", "Shape", "IsUnion":
		return n + "_"
	}
	return n
}

// exported is a shape or member name as an exported identifier.
func exported(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_':
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimLeft(b.String(), "_")
}

// constName is the part of a constant's name that tells the value: words
// begin with a capital, capitals in a row are lowered, and dots between digits stay visible.
func constName(value string) string {
	var b strings.Builder
	words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '*' })
	for i, w := range words {
		if w == "*" {
			w = "All"
		}
		if strings.ToUpper(w) == w {
			w = strings.ToLower(w)
		}
		r := []rune(w)
		if i > 0 && unicode.IsDigit(r[0]) && b.Len() > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r[0]))
		b.WriteString(string(r[1:]))
	}
	if b.Len() == 0 {
		return "Empty"
	}
	return b.String()
}
