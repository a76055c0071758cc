package database_test

import (
	"strings"
	"testing"

	"vitrine/agent/connect/database"
)

// FuzzPrepare: whatever a query is, it is refused or begins with a word that reads, and all of it is still there.
func FuzzPrepare(f *testing.F) {
	for _, s := range []string{"SELECT 1;", "select $today, '$x' -- c\n", "(SELECT $$;$$)", "SELECT \"a;b\" /* ; */ FROM `c;d`", "SELECT a$b, $1, $", "x", ";", "SELECT $a$;$a$; "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		out, err := database.PrepareForTest(query)
		if err != nil {
			return
		}
		if strings.TrimSpace(out) == "" {
			t.Fatalf("%q becomes nothing", query)
		}
		if again, err := database.PrepareForTest(out); err != nil || again != out {
			t.Fatalf("%q becomes %q, and that %q: %v", query, out, again, err)
		}
	})
}
