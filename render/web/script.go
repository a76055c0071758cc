package web

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"strings"

	"vitrine/render/scene"
)

//go:embed page.js
var pageScript string

// given is what a page's script starts with.
type given struct {
	Rows   []map[string]string `json:"rows"`
	Locale string              `json:"locale"`
	Zone   string              `json:"zone"`
	Hosts  []string            `json:"hosts"` // pages that have it
	Held   bool                `json:"held"`
	Key    string              `json:"key"` // of what is for this package alone; another for each showing
}

func newGiven(item scene.Item, place Place, host string) given {
	return given{Rows: rowsOf(item), Locale: place.Locale, Zone: place.Zone, Hosts: []string{host}, Held: true, Key: "vitrine" + rand.Text()}
}

func rowsOf(item scene.Item) []map[string]string {
	if item.Rows == nil {
		return []map[string]string{}
	}
	return item.Rows
}

// source is the script that runs before the page's own.
func (g given) source() string { return strings.Replace(pageScript, "%DATA%", literal(g), 1) }

// literal is a value as JavaScript: what encoding/json writes is safe there.
func literal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null" // never: strings and bools
	}
	return string(b)
}
