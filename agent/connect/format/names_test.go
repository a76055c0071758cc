package format_test

import (
	"strings"
	"testing"

	"vitrine/agent/connect/format"
)

const georss = "http://www.georss.org/georss"

// TestNamesOfANamespaceAreTheSameWhateverADocumentCallsIt reads documents that differ in nothing but their prefixes.
func TestNamesOfANamespaceAreTheSameWhateverADocumentCallsIt(t *testing.T) {
	documents := map[string]string{
		"a prefix":         `<r xmlns:g="` + georss + `"><g:stop g:id="1" xml:lang="fr"><g:name>Gare</g:name></g:stop><stop/><o:stop xmlns:o="urn:other"><o:name>no</o:name></o:stop></r>`,
		"another prefix":   `<r xmlns:geo="` + georss + `"><geo:stop geo:id="1" xml:lang="fr"><geo:name>Gare</geo:name></geo:stop><stop/><g:stop xmlns:g="urn:other"><g:name>no</g:name></g:stop></r>`,
		"no prefix at all": `<r><stop xmlns="` + georss + `" xmlns:x="` + georss + `" x:id="1" xml:lang="fr"><name>Gare</name></stop><stop/><g:stop xmlns:g="urn:other"><g:name>no</g:name></g:stop></r>`,
	}
	for path, want := range map[string]string{
		"//g:stop":                       "@id|@lang|name\n1|fr|Gare",
		"//g:stop[@g:id='1']/g:name":     "value\nGare",
		"//*[g:name]":                    "@id|@lang|name\n1|fr|Gare",
		"//g:stop[@xml:lang='fr']/@g:id": "value\n1",
		"//*[namespace-uri() = '" + georss + "' and @xml:lang = 'fr']/g:name": "value\nGare",
		"/r/g:stop/@g:id":               "value\n1",
		"count(//g:stop | //g:name)":    "value\n2",
		"//o:stop[o:name = 'no']/*":     "value\nno",
		"//g:name/parent::g:stop/@g:id": "value\n1",
	} {
		for name, document := range documents {
			t.Run(path+" of a document with "+name, func(t *testing.T) {
				o := format.Options{Type: "xml", XPath: path, Namespaces: map[string]string{"g": georss, "o": "urn:other"}}
				if got := written(parse(t, o, []byte(document), 100)); got != want {
					t.Errorf("the table is\n%q, not\n%q", got, want)
				}
			})
		}
	}
}

func TestAnXPathWhosePrefixesCannotBeFollowedIsRefused(t *testing.T) {
	for path, says := range map[string]string{
		"//h:a":                            "prefix h not defined",
		"//g:*":                            "write *[namespace-uri()",
		"//*[. = 'a']/g:*":                 "write *[namespace-uri()",
		"//*[. = 'g:*']/child::*":          "",
		`//*[. = "it's g:*"]/self::node()`: "",
		"//g:a[2 * 3]":                     "",
	} {
		err := format.Check(format.Options{Type: "xml", XPath: path, Namespaces: map[string]string{"g": georss}})
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, not %q", path, err, says)
		}
	}
}
