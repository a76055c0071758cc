package pack_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"vitrine/agent/connect/format/pack"
)

// tokens writes what a document gives, or why it does not.
func tokens(t *testing.T, doc string, size int) string {
	t.Helper()
	x := pack.NewXML(t.Context(), bufio.NewReaderSize(strings.NewReader(doc), size))
	var out strings.Builder
	for {
		kind, err := x.Next()
		switch {
		case err == io.EOF:
			return out.String()
		case err != nil:
			return out.String() + "!" + err.Error()
		case kind == pack.Start:
			out.WriteString("<" + x.Name())
			for _, a := range x.Attrs() {
				fmt.Fprintf(&out, " %s=%q", a.Local, a.Value())
			}
			out.WriteString(">")
		case kind == pack.End:
			out.WriteString("</" + x.Name() + ">")
		default:
			out.WriteString(x.Said())
		}
	}
}

func TestTokens(t *testing.T) {
	for doc, want := range map[string]string{
		`<?xml version="1.0"?><a:b c:d='1"2' e = "&lt;&#233;&#x20ac;&amp;lt;"><f/>x</a:b>`: `<b d="1\"2" e="<é€&lt;"><f></f>x</b>`,
		"<a>&quot;&apos;&gt; &nope; & &#0; x\r\ny</a>":                                     "<a>\"'> &nope; & &#0; x\ny</a>",
		"<a><![CDATA[<b>&amp;]]]]><![CDATA[>]]></a>":                                       "<a><b>&amp;]]></a>",
		"<a><!-- > <b> -- > ---></a>":                                                      "<a></a>",
		`<a b=">" c='">'/>`:                                                                `<a b=">" c="\">"></a>`,
		"<a>\xff</a>":                                                                      "<a>\ufffd</a>",
		"<a><b>":                                                                           "<a><b>!it ends in the middle",
		"<a b='":                                                                           "!it ends in the middle of a tag",
		"<!DOCTYPE a><a/>":                                                                 "!" + pack.ErrDoctype.Error(),
		"<a><![IGNORE[x]]></a>":                                                            "<a>!" + pack.ErrDoctype.Error(),
		strings.Repeat("<a>", 300)[:9]:                                                     "<a><a><a>!it ends in the middle",
	} {
		for _, size := range []int{16, 4096} { // a buffer that nothing fits, and one that all does
			if got := tokens(t, doc, size); got != want {
				t.Errorf("%s gives\n%s, not\n%s", doc, got, want)
			}
		}
	}
	if got := tokens(t, "<a>"+strings.Repeat("x", 2<<20), 4096); !strings.Contains(got, "more than 1024 KiB") {
		t.Errorf("a long text gives %.100s", got)
	}
	if got := tokens(t, "<a b='"+strings.Repeat(">", 2<<20), 4096); !strings.Contains(got, "more than 1024 KiB") {
		t.Errorf("a long tag gives %.100s", got)
	}
}
