package gate

import (
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// openAPI describes the table of routes (OpenAPI 3.1): it is made from it, so that it cannot be wrong about them.
func (g *Gate) openAPI(w http.ResponseWriter, _ *http.Request) error {
	return Send(w, http.StatusOK, g.Description())
}

// Description is the document behind /openapi.json, which covers the routes of programs, not the pages.
func (g *Gate) Description() map[string]any {
	paths, schemas := map[string]any{}, map[string]any{}
	place := regexp.MustCompile(`\{([a-z]+)\}`)
	for _, r := range g.routes {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		op := map[string]any{"summary": r.Does, "security": security(r.Who), "responses": map[string]any{
			"200":     answerOf(r.Out, schemas),
			"default": map[string]any{"description": "An error (RFC 9457).", "content": map[string]any{"application/problem+json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Problem"}}}},
		}}
		var params []any
		for _, m := range place.FindAllStringSubmatch(path, -1) {
			params = append(params, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
		}
		if params != nil {
			op["parameters"] = params
		}
		if r.In != nil {
			op["requestBody"] = map[string]any{"required": true, "content": content(r.In, schemas)}
		}
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path].(map[string]any)[strings.ToLower(method)] = op
	}
	schemas["Problem"] = map[string]any{"type": "object", "properties": map[string]any{"type": text(), "title": text(), "status": map[string]any{"type": "integer"}, "detail": text(),
		"missing": map[string]any{"type": "array", "items": text()}}}
	return map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": "Vitrine relay", "version": "1"},
		"paths":   paths,
		"components": map[string]any{"schemas": schemas, "securitySchemes": map[string]any{
			"person":    map[string]any{"type": "http", "scheme": "bearer", "description": "A person's token."},
			"device":    map[string]any{"type": "http", "scheme": "bearer", "description": "A player's session token."},
			"code":      map[string]any{"type": "http", "scheme": "bearer", "description": "The device code of an enrolment."},
			"signature": map[string]any{"type": "apiKey", "in": "header", "name": "Signature", "description": "HTTP message signature by the player's Ed25519 key (RFC 9421)."},
		}},
	}
}

func text() map[string]any { return map[string]any{"type": "string"} }

func security(w Who) []any {
	need := func(name string) any { return map[string]any{name: []any{}} }
	switch w {
	case Code:
		return []any{need("code")}
	case Key:
		return []any{need("signature")}
	case Device:
		return []any{need("device")}
	case Person:
		return []any{need("person")}
	case Either:
		return []any{need("device"), need("person")}
	}
	return []any{}
}

func answerOf(out any, schemas map[string]any) map[string]any {
	a := map[string]any{"description": "Done."}
	if out != nil {
		a["content"] = content(out, schemas)
	}
	return a
}

func content(v any, schemas map[string]any) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": schema(reflect.TypeOf(v), schemas)}}
}

// schema describes a wire type; named structs are described once.
func schema(t reflect.Type, schemas map[string]any) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schema(t.Elem(), schemas)
	case reflect.String:
		return text()
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schema(t.Elem(), schemas)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schema(t.Elem(), schemas)}
	case reflect.Struct:
		name := regexp.MustCompile(`\[.*\.(\w+)\]$`).ReplaceAllString(t.Name(), "Of$1")
		if schemas[name] == nil {
			schemas[name] = map[string]any{} // so that a type that holds itself ends
			schemas[name] = object(t, schemas)
		}
		return map[string]any{"$ref": "#/components/schemas/" + name}
	}
	return map[string]any{} // anything
}

func object(t reflect.Type, schemas map[string]any) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || name == "" {
			continue
		}
		properties[name] = schema(f.Type, schemas)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	o := map[string]any{"type": "object", "properties": properties}
	if slices.Sort(required); required != nil {
		o["required"] = required
	}
	return o
}
