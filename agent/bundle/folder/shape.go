package folder

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:embed bundle.schema.json
var schemaText string

// Schema is the published JSON Schema (draft 2020-12) of bundle.yaml: the one truth about its shape, for editors and for
// Load alike.
func Schema() []byte { return []byte(schemaText) }

const schemaURL = "urn:vitrine:bundle:1"

// shape validates documents against the schema and words what it finds.
type shape struct {
	schema *jsonschema.Schema
	doc    any
}

func newShape() (*shape, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schemaText))
	if err != nil {
		return nil, fmt.Errorf("read the bundle's schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("read the bundle's schema: %w", err)
	}
	s, err := c.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("read the bundle's schema: %w", err)
	}
	return &shape{schema: s, doc: doc}, nil
}

// check gives everything that the schema has against a document.
func (s *shape) check(value any) []fault {
	err := s.schema.Validate(value)
	var e *jsonschema.ValidationError
	if !errors.As(err, &e) {
		if err != nil {
			return []fault{{message: err.Error()}}
		}
		return nil
	}
	return s.faults(e)
}

func (s *shape) faults(e *jsonschema.ValidationError) []fault {
	pointer := pointerOf(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return s.unknown(pointer, k.Properties, e.SchemaURL)
	case *kind.Required:
		return []fault{{pointer: pointer, message: fmt.Sprintf("%s needs %s", s.title(e.SchemaURL, "this"), quotedList(k.Missing, "and")), whole: true, missing: k.Missing}}
	case *kind.OneOf:
		return s.choice(pointer, e, k.Subschemas)
	case *kind.AnyOf:
		return s.choice(pointer, e, nil)
	case *kind.PropertyNames:
		// The library overwrites where in the document these are; they are all names in fields of the document itself.
		_, at, _ := strings.Cut(e.SchemaURL, "#/properties")
		return []fault{{pointer: strings.TrimSuffix(at, "/propertyNames") + "/" + escapePointer(k.Property), atKey: true,
			message: fmt.Sprintf("%q cannot be a name", k.Property), fix: "write 1 to 64 letters, digits, \".\", \"_\" or \"-\", beginning with a letter or digit"}}
	}
	if len(e.Causes) > 0 {
		var all []fault
		for _, c := range e.Causes {
			all = append(all, s.faults(c)...)
		}
		return all
	}
	message, fix := s.words(e)
	return []fault{{pointer: pointer, message: message, fix: fix}}
}

// unknown words fields that the schema does not know.
func (s *shape) unknown(pointer string, fields []string, url string) []fault {
	at := s.at(url)
	known, _ := at["properties"].(map[string]any)
	names := slices.Sorted(maps.Keys(known))
	var all []fault
	for _, field := range fields {
		near := nearest(field, names)
		fix := fmt.Sprintf("write %q", near)
		if near == "" {
			fix = "allowed are " + strings.Join(names, ", ")
		}
		all = append(all, fault{pointer: pointer + "/" + escapePointer(field), atKey: true,
			message: fmt.Sprintf("unknown field %q in %s", field, s.title(url, "this")), fix: fix, meant: near})
	}
	return all
}

// choice words a failed oneOf or anyOf: of a list of required fields, or of several forms of a value.
func (s *shape) choice(pointer string, e *jsonschema.ValidationError, fitted []int) []fault {
	branches, _ := s.at(e.SchemaURL)["oneOf"].([]any)
	if any, ok := s.at(e.SchemaURL)["anyOf"].([]any); ok {
		branches = any
	}
	if fields := requiredOf(branches); fields != nil {
		title := s.title(e.SchemaURL, "this")
		if len(fitted) == 2 {
			a, b := fields[fitted[0]], fields[fitted[1]]
			return []fault{{pointer: pointer, message: fmt.Sprintf("%s has both %q and %q", title, a, b), fix: "keep one of them", whole: true}}
		}
		return []fault{{pointer: pointer, message: fmt.Sprintf("%s has nothing to show", title), fix: "write one of " + quotedList(fields, "or"), whole: true, missing: fields}}
	}
	// The form that was meant is the one whose type fits.
	for _, c := range e.Causes {
		if !wrongType(c, e.InstanceLocation) {
			return s.faults(c)
		}
	}
	var wanted []string
	for _, c := range e.Causes {
		wanted = append(wanted, wantedTypes(c)...)
	}
	return []fault{{pointer: pointer, message: "this is the wrong kind of value", fix: "write " + strings.Join(wanted, " or ")}}
}

// requiredOf are the fields of a oneOf in which each branch requires one; nil when it is not such a one.
func requiredOf(branches []any) []string {
	var fields []string
	for _, b := range branches {
		required, _ := b.(map[string]any)["required"].([]any)
		if len(required) != 1 {
			return nil
		}
		field, _ := required[0].(string)
		fields = append(fields, field)
	}
	return fields
}

// wrongType tells whether a branch failed because the value is of another type altogether.
func wrongType(e *jsonschema.ValidationError, at []string) bool {
	if _, ok := e.ErrorKind.(*kind.Type); ok && len(e.InstanceLocation) == len(at) {
		return true
	}
	return len(e.Causes) == 1 && wrongType(e.Causes[0], at)
}

func wantedTypes(e *jsonschema.ValidationError) []string {
	if k, ok := e.ErrorKind.(*kind.Type); ok {
		return typeNames(k.Want)
	}
	if len(e.Causes) == 1 {
		return wantedTypes(e.Causes[0])
	}
	return nil
}

// words says what one check of the schema found.
func (s *shape) words(e *jsonschema.ValidationError) (message, fix string) {
	at := s.at(e.SchemaURL)
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return s.wrongKind(e, k)
	case *kind.Enum:
		return s.notOneOf(k)
	case *kind.Pattern:
		want, _ := at["x-pattern"].(string)
		return fmt.Sprintf("%q is not as it must be", short(k.Got)), "write " + want
	case *kind.Format:
		return fmt.Sprintf("%q is not an instant", short(fmt.Sprint(k.Got))), "write it like 2027-01-31T18:00:00Z"
	case *kind.MinItems:
		return fmt.Sprintf("there are %d here", k.Got), fmt.Sprintf("at least %d are needed", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("there are %d here", k.Got), fmt.Sprintf("at most %d are allowed", k.Want)
	case *kind.MinLength:
		return "there is nothing here", "write something"
	case *kind.MaxLength:
		return fmt.Sprintf("this has %d characters", k.Got), fmt.Sprintf("at most %d are allowed", k.Want)
	case *kind.MinProperties:
		return "there is nothing here", fmt.Sprintf("at least %d is needed", k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("%s is too small", k.Got.RatString()), fmt.Sprintf("the least is %s", k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("%s is too great", k.Got.RatString()), fmt.Sprintf("the most is %s", k.Want.RatString())
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s is too small", k.Got.RatString()), fmt.Sprintf("it must be above %s", k.Want.RatString())
	}
	return fmt.Sprint(e.ErrorKind), ""
}

func (s *shape) wrongKind(e *jsonschema.ValidationError, k *kind.Type) (message, fix string) {
	want := strings.Join(typeNames(k.Want), " or ")
	what := want
	if p, ok := s.at(e.SchemaURL)["x-pattern"].(string); ok {
		what = p
	} else if slices.Contains(k.Want, "string") && (k.Got == "number" || k.Got == "boolean") {
		what = "it in quotes"
	}
	if k.Got == "null" {
		return "there is nothing here", "write " + strings.TrimPrefix(what, "it in quotes")
	}
	return fmt.Sprintf("this is %s", typeNames([]string{k.Got})[0]), "write " + what
}

func (s *shape) notOneOf(k *kind.Enum) (message, fix string) {
	var names []string
	for _, w := range k.Want {
		names = append(names, fmt.Sprint(w))
	}
	got := short(fmt.Sprint(k.Got))
	if near := nearest(got, names); near != "" {
		return fmt.Sprintf("%q is not known here", got), fmt.Sprintf("write %q; allowed are %s", near, strings.Join(names, ", "))
	}
	return fmt.Sprintf("%q is not known here", got), "allowed are " + strings.Join(names, ", ")
}

// at looks a place of the schema up.
func (s *shape) at(url string) map[string]any {
	_, fragment, _ := strings.Cut(url, "#")
	v := s.doc
	for _, part := range strings.Split(fragment, "/") {
		if part == "" {
			continue
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch node := v.(type) {
		case map[string]any:
			v = node[part]
		case []any:
			var i int
			if err := json.Unmarshal([]byte(part), &i); err != nil || i < 0 || i >= len(node) {
				return nil
			}
			v = node[i]
		}
	}
	object, _ := v.(map[string]any)
	return object
}

func (s *shape) title(url, otherwise string) string {
	if t, ok := s.at(url)["title"].(string); ok {
		return t
	}
	return otherwise
}

func typeNames(types []string) []string {
	names := map[string]string{"string": "a text", "object": "a group of fields", "array": "a list", "integer": "a whole number",
		"number": "a number", "boolean": "true or false", "null": "nothing"}
	var out []string
	for _, t := range types {
		out = append(out, names[t])
	}
	return out
}

func quotedList(items []string, last string) string {
	var quoted []string
	for _, i := range items {
		quoted = append(quoted, fmt.Sprintf("%q", i))
	}
	if n := len(quoted); n > 1 {
		return strings.Join(quoted[:n-1], ", ") + " " + last + " " + quoted[n-1]
	}
	return strings.Join(quoted, "")
}

func pointerOf(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + escapePointer(p))
	}
	return b.String()
}

// short keeps foreign text from flooding a message.
func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
