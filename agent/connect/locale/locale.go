// Package locale answers: how does this language write numbers and dates, and in which order does it put words?
//
//	"1 234,50 €" ──Decimal──> 1234.50 ──Number──> "1 234,50"
//	"3 févr. 2027" ──Parse──> 2027-02-03 ──Format──> "mercredi 3 février"
package locale

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Locale is a language as one country writes it.
type Locale struct {
	tag     language.Tag
	decimal string // the mark before decimals
	group   string // the mark between thousands
	words   *words // names of months and days
	dates   layouts
}

// New finds a locale by its tag (BCP 47: "fr", "fr-FR"); "" is plain English.
func New(tag string) (Locale, error) {
	t, err := language.Parse(cmp.Or(tag, "en"))
	if err != nil {
		return Locale{}, fmt.Errorf("the locale %.40q is no language; write one such as fr-FR or en-GB", tag)
	}
	l := Locale{tag: t, decimal: ".", group: ","}
	// Nobody but the formatter knows the marks.
	s := message.NewPrinter(t).Sprint(number.Decimal(1234567.5, number.MaxFractionDigits(1)))
	if digits := strings.IndexByte(s, '5'); len(s) > 9 && s[0] == '1' && digits > 0 {
		last := strings.LastIndexByte(s, '7')
		l.group, l.decimal = s[1:strings.IndexByte(s, '2')], s[last+1:len(s)-1]
	}
	base, _ := t.Base()
	region, _ := t.Region()
	l.words, l.dates = wordsOf(base.String()), layoutsOf(base.String(), region.String())
	return l, nil
}

// Collator puts words in the language's order, numbers in them by their size. It is for one goroutine.
func (l Locale) Collator() *collate.Collator {
	return collate.New(l.tag, collate.IgnoreCase, collate.Numeric)
}

// Upper and Lower are by the language's rules where they differ from the usual ones.
func (l Locale) Upper(s string) string { return strings.ToUpperSpecial(casing(l.tag), s) }

// Lower is the opposite of Upper.
func (l Locale) Lower(s string) string { return strings.ToLowerSpecial(casing(l.tag), s) }
