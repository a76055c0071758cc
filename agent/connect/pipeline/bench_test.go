package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/pipeline"
	"vitrine/agent/connect/rows"
)

// A table of 50,000 rows, typed, filtered, sorted and cut to a page.
func BenchmarkFiftyThousandRows(b *testing.B) {
	t := rows.Table{Columns: []string{"Plat", "Prix", "Stock"}}
	for i := range 50_000 {
		t.Rows = append(t.Rows, []rows.Value{rows.Of(rows.Text, fmt.Sprintf("Soupe à l’oignon %05d", (i*7919)%50_000)),
			rows.Of(rows.Text, fmt.Sprintf("%d,%02d €", 2+i%28, i%100)), rows.Of(rows.Text, fmt.Sprint(i%97))})
	}
	p, err := pipeline.New(bundle.SourceSpec{Type: "delimited", Locale: "fr-FR", Filter: "stock > 10", Sort: []bundle.SortKey{{By: "price"}, {By: "title"}}, Limit: 6,
		Map: []bundle.RowColumn{{Name: "title", From: "Plat"}, {Name: "price", From: "Prix", Type: "decimal"}, {Name: "stock", From: "Stock", Type: "decimal"}}}, pipeline.Home{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for range b.N {
		if r, err := p.Run(t, time.Now()); err != nil || len(r.Rows) != 6 {
			b.Fatal(err)
		}
	}
}
