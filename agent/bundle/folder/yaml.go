package folder

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a bundle.yaml.
const (
	maxYAML  = 4 << 20 // bytes
	maxNodes = 200_000 // aliases expanded
	maxDepth = 64
)

// place is where something is in the file, from 1; columns count characters.
type place struct{ line, column int }

// tree is a YAML document as JSON values, with the place of each value and key by JSON pointer.
type tree struct {
	value  any
	values map[string]place
	keys   map[string]place // of the key that introduces the value
	nodes  int
	faults []fault
}

// fault is a problem whose place is still a pointer, or known already.
type fault struct {
	pointer string
	atKey   bool // at the key, not at the value
	at      place
	message string
	fix     string
	whole   bool     // of an object whose other fields are still worth a look
	refused bool     // by the schema
	missing []string // the fields that the object lacks
	meant   string   // the field that an unknown one was meant to be
}

// readYAML parses a document. Faults of form that leave something to check are in tree.faults; the others are the error.
func readYAML(b []byte) (*tree, []fault) {
	if !utf8.Valid(b) {
		return nil, []fault{{at: badUTF8(b), message: "the file is not UTF-8", fix: "save it as UTF-8"}}
	}
	if f := tabs(b); len(f) > 0 {
		return nil, f
	}
	file, err := parser.ParseBytes(b, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, []fault{syntaxFault(err)}
	}
	t := &tree{values: map[string]place{}, keys: map[string]place{}}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			return nil, []fault{{at: placeOf(firstToken(d.Body)), message: "a second document begins", fix: "keep one document; take the --- out"}}
		}
		body = d.Body
	}
	if body == nil {
		return nil, []fault{{at: place{1, 1}, message: "the file is empty", fix: "\"vitrine new\" makes one that works"}}
	}
	anchors := map[string]ast.Node{}
	for _, n := range ast.Filter(ast.AnchorType, body) {
		a := n.(*ast.AnchorNode)
		anchors[a.Name.GetToken().Value] = a.Value
	}
	t.value = t.convert(body, "", anchors, 0)
	return t, nil
}

// fault notes what is wrong at a place; the value that the pointer would lead to is nil, which the schema need not say too.
func (t *tree) fault(pointer string, at place, message, fix string) any {
	t.faults = append(t.faults, fault{pointer: pointer, at: at, message: message, fix: fix})
	return nil
}

func (t *tree) convert(n ast.Node, pointer string, anchors map[string]ast.Node, depth int) any {
	at := placeOf(firstToken(n))
	if _, known := t.values[pointer]; !known {
		t.values[pointer] = at
	}
	if t.nodes++; t.nodes > maxNodes || depth > maxDepth {
		if t.nodes == maxNodes+1 || depth == maxDepth+1 {
			t.fault(pointer, at, "the file is too large or too deep", "")
		}
		return nil
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		return t.convert(n.Value, pointer, anchors, depth+1)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		target, ok := anchors[name]
		if !ok {
			return t.fault(pointer, at, fmt.Sprintf("nothing is called &%s", name), "")
		}
		return t.convert(target, pointer, anchors, depth+1)
	case *ast.TagNode:
		if tag := n.GetToken().Value; !strings.HasPrefix(tag, "!!") {
			return t.fault(pointer, at, fmt.Sprintf("tag %s means nothing here", tag), "take it out")
		}
		return t.convert(n.Value, pointer, anchors, depth+1)
	case *ast.MappingNode:
		return t.mapping(n.Values, pointer, anchors, depth)
	case *ast.MappingValueNode:
		return t.mapping([]*ast.MappingValueNode{n}, pointer, anchors, depth)
	case *ast.SequenceNode:
		list := make([]any, 0, len(n.Values))
		for i, v := range n.Values {
			list = append(list, t.convert(v, pointer+"/"+strconv.Itoa(i), anchors, depth+1))
		}
		return list
	case ast.ScalarNode:
		return t.scalar(n, pointer, at)
	}
	return t.fault(pointer, at, fmt.Sprintf("%s has no place in a bundle", n.Type()), "")
}

func (t *tree) mapping(pairs []*ast.MappingValueNode, pointer string, anchors map[string]ast.Node, depth int) any {
	object := map[string]any{}
	merged := map[string]bool{} // fields that came by "<<" and may be replaced
	for _, pair := range pairs {
		if pair.Key.IsMergeKey() {
			from, _ := t.convert(pair.Value, pointer, anchors, depth+1).(map[string]any)
			for k, v := range from {
				if _, has := object[k]; !has {
					object[k], merged[k] = v, true
				}
			}
			continue
		}
		key := keyText(pair.Key)
		at := placeOf(pair.Key.GetToken())
		child := pointer + "/" + escapePointer(key)
		if _, has := object[key]; has && !merged[key] {
			t.fault("", at, fmt.Sprintf("%q is written twice; it is also in line %d", key, t.keys[child].line), "keep one of them")
			continue
		}
		delete(merged, key)
		t.keys[child] = at
		delete(t.values, child)
		object[key] = t.convert(pair.Value, child, anchors, depth+1)
	}
	return object
}

// keyText is a key as text: YAML keys may be numbers, as in weekdayWindows.
func keyText(k ast.MapKeyNode) string {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value
	}
	return k.GetToken().Value
}

func (t *tree) scalar(n ast.ScalarNode, pointer string, at place) any {
	switch v := n.GetValue().(type) {
	case nil:
		return nil
	case bool, string:
		return v
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case uint64:
		return json.Number(strconv.FormatUint(v, 10))
	case int:
		return json.Number(strconv.Itoa(v))
	case float64:
		if b, err := json.Marshal(v); err == nil {
			return json.Number(b)
		}
	}
	return t.fault(pointer, at, fmt.Sprintf("%s is not a value that a bundle can hold", n.GetToken().Value), "")
}

// firstToken is where a reader would say that a value begins.
func firstToken(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}

func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}

// tabs finds lines that are indented with tabs, which YAML forbids and many editors insert.
func tabs(b []byte) []fault {
	var found []fault
	for i, line := range strings.Split(string(b), "\n") {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if j := strings.IndexByte(indent, '\t'); j >= 0 && strings.TrimSpace(line) != "" && len(found) < 10 {
			found = append(found, fault{at: place{i + 1, j + 1}, message: "the line is indented with a tab", fix: "write spaces, two a level"})
		}
	}
	return found
}

func badUTF8(b []byte) place {
	at := place{1, 1}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if at.column++; r == '\n' {
			at = place{at.line + 1, 1}
		}
		b = b[n:]
	}
	return at
}

// syntaxFault turns the parser's error into a place and a sentence.
func syntaxFault(err error) fault {
	var e yaml.Error
	if !errors.As(err, &e) {
		return fault{at: place{1, 1}, message: err.Error()}
	}
	f := fault{at: placeOf(e.GetToken()), message: "this is not YAML: " + e.GetMessage()}
	switch m := e.GetMessage(); {
	case strings.Contains(m, "mapping value is not allowed"), strings.Contains(m, "could not find"), strings.Contains(m, "unexpected key name"):
		f.fix = "look for a missing colon, quote or bracket, or a wrong indentation, here and in the line above"
	}
	return f
}
