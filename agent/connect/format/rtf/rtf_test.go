package rtf_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/format/rtf"
)

// words writes a document: paragraphs, then each table with its rows.
func words(d rtf.Document) string {
	var out []string
	for _, p := range d.Paragraphs {
		out = append(out, strings.ReplaceAll(p, "\n", "⏎"))
	}
	for _, t := range d.Tables {
		for _, row := range t {
			out = append(out, "["+strings.ReplaceAll(strings.Join(row, "|"), "\n", "⏎")+"]")
		}
	}
	return strings.Join(out, " / ")
}

func TestDocuments(t *testing.T) {
	fonts := `{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 MS Gothic;}{\f3\fnil\cpg850 Dos;}}`
	for _, c := range []struct{ name, in, want string }{
		{"paragraphs, lines, tabs and signs", `{\rtf1\ansi un\par deux\line trois\tab\emdash\~x\par\par \'ab\{\}\\\'bb}`, "un / deux⏎trois\t—\u00a0x / «{}\\»"},
		{"the code page of the document", `{\rtf1\ansi\ansicpg1250 \'b3\'f3d\'9f}`, "łódź"},
		{"those of fonts", `{\rtf1\ansi\ansicpg1252\deff0` + fonts + `\'e9 {\f1 \'cf\'f0\'e8\'e2\'e5\'f2} \'e9 {\f2 \'8a\'bf\'8e\'9a} {\f3 \'82}}`, "é Привет é 漢字 é"},
		{"plain text between the bytes of a double one", `{\rtf1\ansi\deff2` + fonts + `\f2 a\'83\'41b\'83Ac}`, "aアbアc"},
		{"Macintosh and DOS", `{\rtf1\mac \'8e}`, "é"},
		{"DOS", `{\rtf1\pca \'82}`, "é"},
		{"Unicode with what stands for it", `{\rtf1\uc1 caf\u233?\par \u-10179\'5f\u-8704\'5f{\uc0 \u8364}\uc2 \u233 ab!}`, "café / 😀€é!"},
		{"Unicode with a control word that stands for it", `{\rtf1 \u8212\emdash x\u8212\'97y}`, "—x—y"},
		{"Unicode whose stand-in ends with the group", `{\rtf1 {\uc3 \u233 e}bc}`, "ébc"},
		{"what is not shown", `{\rtf1{\info{\title T}}{\stylesheet{\s0 Normal;}}{\header kopf}{\*\generator x;}a{\v hidden}{\deleted gone}{\pict 0102}b{\footnote f}c{\*\unknown{\b y}z}}`, "abc"},
		{"hidden that ends", `{\rtf1 a\v b\v0 c\v d\plain e}`, "ace"},
		{"a field", `{\rtf1 {\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt {\ul link}}} x}`, "link x"},
		{"both halves of a pair of destinations", `{\rtf1 {\upr{\title e}{\*\ud{\u233 ?}}}}`, "é"},
		{"binary", "{\\rtf1 a{\\pict\\bin6 }}{{\\\x00}b\\bin3 }}}c}", "abc"},
		{"numbers and signs behind words", `{\rtf1\fs-24x\i-y\b1 0\b0-1}`, "x-y0-1"},
		{"a table", `{\rtf1 avant\par\trowd\cellx1\cellx2\pard\intbl Jour\cell Plat\cell\row\trowd\cellx1\cellx2 Lundi\cell B\'9cuf\par et carottes\cell\row\pard apr\'e8s\par}`, "avant / après / [Jour|Plat] / [Lundi|Bœuf⏎et carottes]"},
		{"cells merged downwards", `{\rtf1\trowd\clvmgf\cellx1\cellx2\intbl L\cell a\cell\row\trowd\clvmrg\cellx1\cellx2\cell b\cell\row\trowd\cellx1\cellx2\cell c\cell\row}`, "[L|a] / [L|b] / [|c]"},
		{"two tables", `{\rtf1\trowd\cellx1\intbl a\cell\row\pard x\par\trowd\cellx1\intbl b\cell\row\trowd\cellx1\intbl c\cell\row\pard}`, "x / [a] / [b] / [c]"},
		{"a table within a cell", `{\rtf1\trowd\cellx1\intbl a{\itap2 n\nestcell m\nestcell{\*\nesttableprops\trowd\cellx1\nestrow}}\cell\row\pard}`, "[an\tm]"},
		{"a row that is not finished", `{\rtf1\trowd\cellx1\intbl a\cell b}`, "[a|b]"},
		{"a document that ends too early", `{\rtf1 a{\b b`, "ab"},
		{"more than a document", `{\rtf1 a}b}{c`, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := rtf.Read(t.Context(), []byte(c.in))
			if got := words(d); err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
	d, err := rtf.Read(t.Context(), []byte(`{\rtf1\trowd\cellx1\intbl a\cell\row\pard x\par\trowd\cellx1\intbl b\cell\row\trowd\cellx1\intbl c\cell\row\pard}`))
	if err != nil || len(d.Tables) != 2 || len(d.Tables[1]) != 2 {
		t.Errorf("%+v, %v; want two tables", d.Tables, err)
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ in, says string }{
		"no RTF":                 {"x", "does not begin"},
		"groups without end":     {`{\rtf1` + strings.Repeat("{", 100_000), "nested more than"},
		"paragraphs without end": {`{\rtf1` + strings.Repeat(`\par`, 1_100_000) + "}", "more than 1000000 paragraphs"},
	} {
		if _, err := rtf.Read(t.Context(), []byte(c.in)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", name, err, c.says)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rtf.Read(ctx, []byte(`{\rtf1 x}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want the cancellation", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset204 A;}}\f0\'e9\u233?\par\trowd\clvmrg\cellx1\intbl a\cell\row}`))
	f.Add([]byte(`{\rtf1{\upr{a}{\*\ud b}}\bin3 abc\uc0\u-10179\u-8704{\v x}\nestcell\itap2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := rtf.Read(ctx, b)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("it takes too long")
		}
	})
}
