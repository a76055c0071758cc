package connect_test

import (
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
)

func TestPrefixesOfASourceAreBoundToItsNamespaces(t *testing.T) {
	spec := bundle.SourceSpec{Type: "xml", XPath: "//g:stop", Namespaces: map[string]string{"g": "urn:g"}, Location: bundle.Location{Type: "file", Path: "/x"}}
	for _, document := range []string{
		`<r xmlns:g="urn:g"><g:stop><g:name>Gare</g:name></g:stop></r>`,
		`<r xmlns:other="urn:g" xmlns:g="urn:h"><other:stop><other:name>Gare</other:name></other:stop><g:stop/></r>`,
	} {
		got, err := connect.Parse(spec, connect.Home{}, []byte(document), time.Now())
		if err != nil || len(got.Rows) != 1 || got.Rows[0][0].Text != "Gare" {
			t.Errorf("%s: %+v, %v", document, got.Rows, err)
		}
	}
}
