package locale_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/locale"
)

func of(t testing.TB, tag string) locale.Locale {
	t.Helper()
	l, err := locale.New(tag)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestNumbersAreReadAsTheyAreWritten(t *testing.T) {
	for _, c := range []struct{ tag, text, want string }{
		{"fr-FR", "1 234,50 €", "1234.50"},
		{"fr-FR", "1\u00a0234,50\u00a0€", "1234.50"},
		{"fr-FR", "1\u202f234\u202f567,5", "1234567.5"},
		{"fr-FR", "12.50", "12.50"},
		{"fr-FR", "1.234,50", "1234.50"},
		{"fr-FR", "−3,2", "-3.2"},
		{"fr-FR", "12,5 %", "12.5"},
		{"fr-FR", ",5", "0.5"},
		{"de-DE", "1.234", "1234"},
		{"de-DE", "1.234.567,89", "1234567.89"},
		{"de-DE", "12.50", "12.50"},
		{"de-CH", "CHF 1’234.50", "1234.50"},
		{"en-US", "$1,234.50", "1234.50"},
		{"en-US", "1,234", "1234"},
		{"en-US", "(12.50)", "-12.50"},
		{"en-US", "0,5", "0.5"},
		{"en-IN", "12,34,567.5", "1234567.5"},
		{"", "007", "7"},
		{"", "-0", "0"},
		{"ar", "١٢٫٥", "12.5"},
		{"", "12345678901234567890.10", "12345678901234567890.10"},
		{"", "abc", ""},
		{"", "", ""},
		{"", "1e5", ""},
		{"", "12-34", ""},
		{"", "1.2.3", ""},
		{"", "1,2,3", ""},
		{"fr", "12,50 à 14,00", ""},
		{"en", "--5", ""},
	} {
		got, ok := of(t, c.tag).Decimal(c.text)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q is read as %q, %v; want %q", c.tag, c.text, got, ok, c.want)
		}
	}
}

func TestNumbersAreWrittenAsTheLocaleDoes(t *testing.T) {
	plain := strings.NewReplacer("\u00a0", " ", "\u202f", " ")
	for _, c := range []struct{ tag, number, show, want string }{
		{"fr-FR", "1234.5", "0.00 €", "1 234,50 €"},
		{"fr-FR", "12.50", "", "12,50"},
		{"fr-FR", "2027", "", "2027"},
		{"fr-FR", "20270", "", "20 270"},
		{"de-DE", "1234567.891", "0.0", "1.234.567,9"},
		{"en-US", "-1234.5", "$0.00", "-$1,234.50"},
		{"en-GB", "0.005", "0.00", "0.01"},
		{"en-GB", "-0.001", "0.00", "0.00"},
		{"en-GB", "7", "kg", "7 kg"},
		{"en-GB", "7.6", "0 °", "8 °"},
		{"en-GB", "none", "0.00", "none"},
	} {
		if got := plain.Replace(of(t, c.tag).Number(c.number, c.show)); got != c.want {
			t.Errorf("%s: %s by %q is %q, not %q", c.tag, c.number, c.show, got, c.want)
		}
	}
}

func TestDatesAreReadAsTheyAreWritten(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ tag, text, layout, want string }{
		{"fr-FR", "20/11/2026", "02/01/2006", "2026-11-20 00:00"},
		{"fr-FR", "3/2/2026", "02/01/2006", "2026-02-03 00:00"},
		{"fr-FR", "vendredi 20 novembre 2026", "Monday 2 January 2006", "2026-11-20 00:00"},
		{"fr-FR", "3 févr. 2026", "2 Jan 2006", "2026-02-03 00:00"},
		{"fr-FR", "3 FEVRIER 2026 à 18h05", "2 January 2006 à 15h04", "2026-02-03 18:05"},
		{"fr-FR", "1 août 2026", "2 Jan 2006", "2026-08-01 00:00"},
		{"de-DE", "3. März 2026", "2. January 2006", "2026-03-03 00:00"},
		{"en-GB", "3 Mar 2026", "2 Jan 2006", "2026-03-03 00:00"},
		{"es", "3 de diciembre de 2026", "2 de January de 2006", "2026-12-03 00:00"},
		{"fr-FR", "20/11/2026", "", "2026-11-20 00:00"},
		{"en-US", "11/20/2026", "", "2026-11-20 00:00"},
		{"en-US", "2026-11-20", "", "2026-11-20 00:00"},
		{"fr-FR", "2 janvier 2027", "", "2027-01-02 00:00"},
		{"fr-FR", "32/11/2026", "02/01/2006", ""},
		{"fr-FR", "demain", "", ""},
	} {
		l := of(t, c.tag)
		var at time.Time
		var err error
		if c.layout == "" {
			at, err = l.Date(c.text, paris)
		} else {
			at, err = l.Parse(c.text, c.layout, paris)
		}
		got := ""
		if err == nil {
			got = at.Format("2006-01-02 15:04")
		}
		if got != c.want {
			t.Errorf("%s: %q by %q is %q, not %q: %v", c.tag, c.text, c.layout, got, c.want, err)
		}
	}
	for text, want := range map[string]string{"18h05": "18:05", "18 h": "18:00", "7:30 PM": "19:30", "08.15": "08:15", "25:00": ""} {
		at, err := of(t, "fr").Clock(text)
		if got := at.Format("15:04"); err == nil && got != want || err != nil && want != "" {
			t.Errorf("%q is %s, %v; want %q", text, got, err, want)
		}
	}
}

func TestDatesAreWrittenAsTheLocaleDoes(t *testing.T) {
	at := time.Date(2027, 2, 3, 18, 5, 0, 0, time.UTC)
	for tag, want := range map[string]string{"fr": "mercredi 3 février, mer. févr.", "en": "Wednesday 3 February, Wed Feb", "de": "Mittwoch 3 Februar, Mi Feb."} {
		if got := of(t, tag).Format(at, "Monday 2 January, Mon Jan"); got != want {
			t.Errorf("%s: %q, not %q", tag, got, want)
		}
	}
}

func TestWordsAreOrderedAsTheLanguageDoes(t *testing.T) {
	words := []string{"zèbre", "Étoile", "eau", "12 b", "2 b", "école"}
	c := of(t, "fr").Collator()
	slices.SortStableFunc(words, c.CompareString)
	if got := strings.Join(words, " "); got != "2 b 12 b eau école Étoile zèbre" {
		t.Errorf("they are %q", got)
	}
}

func FuzzDecimal(f *testing.F) {
	f.Add("fr-FR", "1 234,50 €")
	f.Add("de", "1.234.567,89")
	f.Fuzz(func(t *testing.T, tag, text string) {
		l, err := locale.New(tag)
		if err != nil {
			return
		}
		if d, ok := l.Decimal(text); ok {
			if again, ok := of(t, "en-GB").Decimal(d); !ok || strings.TrimRight(again, "0") != strings.TrimRight(d, "0") && !strings.HasPrefix(d, "-") {
				t.Fatalf("%q became %q, and that %q", text, d, again)
			}
			l.Number(d, "0.00")
		}
	})
}

func FuzzDates(f *testing.F) {
	f.Add("fr-FR", "3 févr. 2026", "2 Jan 2006")
	f.Fuzz(func(t *testing.T, tag, text, layout string) {
		l, err := locale.New(tag)
		if err != nil || len(layout) > 200 || len(text) > 10_000 {
			return
		}
		if at, err := l.Parse(text, layout, time.UTC); err == nil {
			l.Format(at, layout)
		}
	})
}
