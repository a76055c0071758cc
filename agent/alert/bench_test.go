package alert_test

import (
	"strings"
	"testing"

	"vitrine/agent/alert"
)

func BenchmarkShowTheLongestText(b *testing.B) {
	var book alert.Book
	m := message(alert.TypeAlert, "a", 0)
	for _, s := range []*string{&m.Infos[0].Headline, &m.Infos[0].Description, &m.Infos[0].Instruction} {
		*s = strings.Repeat("a ", 8<<10)
	}
	take(b, &book, m)
	a := book.Active(alert.Site{}, noon())[0]
	for b.Loop() {
		a.Show(hd())
	}
}
