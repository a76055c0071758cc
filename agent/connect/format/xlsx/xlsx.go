// Package xlsx reads workbooks of Excel since 2007: which cells does this sheet hold?
//
//	zip ──> workbook (sheets, names, epoch) · styles (number formats) · shared strings
//	          └──> a sheet, cell by cell ──> grid
//
// The sheet streams: what is in memory are its texts and the rows that are wanted. No library gives values, types and
// number formats of cells without the whole sheet in memory. Formulas are not computed: Excel keeps their last values.
package xlsx

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/format/pack"
)

// Bounds of a workbook (ECMA-376 and Excel's own limits).
const (
	maxSheets  = 4096
	maxStyles  = 70_000
	maxNames   = 50_000
	maxStrings = 4_000_000
	maxText    = 128 << 20 // bytes of shared strings
)

// Book is an open workbook.
type Book struct {
	pack     *pack.Pack
	main     string // folder of the workbook
	sheets   []sheet
	names    []name
	formats  []string // by cell style
	strings  string   // part with the shared strings; "" = none
	styles   string
	locale   string
	Date1904 bool
}

type sheet struct {
	grid.Sheet
	part string
}

type name struct {
	name, text string
	scope      int // sheet it belongs to; -1 = all
}

// Open reads what a workbook says of itself. locale is for the formats that files leave to the machine.
func Open(ctx context.Context, b []byte, locale string) (*Book, error) {
	p, err := pack.Open(b)
	if err != nil {
		return nil, err
	}
	k := &Book{pack: p, locale: locale}
	main := "xl/workbook.xml"
	if p.Has("_rels/.rels") {
		rels, err := k.relations(ctx, "_rels/.rels", "")
		if err != nil {
			return nil, err
		}
		for _, r := range rels {
			if strings.HasSuffix(r.kind, "/officeDocument") {
				main = r.target
			}
		}
	}
	switch {
	case strings.HasSuffix(main, ".bin"):
		return nil, errors.New("it is a binary workbook (.xlsb): save it as .xlsx")
	case !p.Has(main):
		return nil, errors.New("it is no workbook")
	}
	k.main = path.Dir(main)
	rels, err := k.relations(ctx, path.Join(k.main, "_rels", path.Base(main)+".rels"), k.main)
	if err != nil {
		return nil, err
	}
	for _, r := range rels {
		switch kind := path.Base(r.kind); kind {
		case "sharedStrings":
			k.strings = r.target
		case "styles":
			k.styles = r.target
		}
	}
	if err := k.workbook(ctx, main, rels); err != nil {
		return nil, err
	}
	return k, k.readStyles(ctx)
}

type relation struct{ kind, target string }

// relations reads which parts another one names, by id.
func (k *Book) relations(ctx context.Context, part, base string) (map[string]relation, error) {
	out := map[string]relation{}
	err := k.each(ctx, part, func(_ *pack.XML, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && pack.Attr(e, "TargetMode") != "External" && len(out) < maxStyles {
			target := pack.Attr(e, "Target")
			if abs, ok := strings.CutPrefix(target, "/"); ok {
				target = abs
			} else {
				target = path.Join(base, target)
			}
			out[pack.Attr(e, "Id")] = relation{pack.Attr(e, "Type"), target}
		}
		return nil
	})
	return out, err
}

// each calls f for every element of a part.
func (k *Book) each(ctx context.Context, part string, f func(*pack.XML, xml.StartElement) error) error {
	r, err := k.pack.Part(ctx, part)
	if err != nil {
		return err
	}
	defer r.Close()
	x := pack.NewXML(ctx, r)
	for {
		t, err := x.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			if e, ok := t.(xml.StartElement); ok {
				err = f(x, e)
			}
		}
		if err != nil {
			return fmt.Errorf("its part %s: %w", part, err)
		}
	}
}

func (k *Book) workbook(ctx context.Context, main string, rels map[string]relation) error {
	return k.each(ctx, main, func(x *pack.XML, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			k.Date1904 = truth(pack.Attr(e, "date1904"))
		case "sheet":
			id := ""
			for _, a := range e.Attr {
				if a.Name.Local == "id" && a.Name.Space != "" {
					id = a.Value
				}
			}
			r := rels[id]
			if path.Base(r.kind) != "worksheet" { // a chart, a dialogue, a macro
				return nil
			}
			k.sheets = append(k.sheets, sheet{grid.Sheet{Name: pack.Attr(e, "name"), Hidden: strings.HasSuffix(strings.ToLower(pack.Attr(e, "state")), "hidden")}, r.target})
			if len(k.sheets) > maxSheets {
				return fmt.Errorf("it has more than %d sheets", maxSheets)
			}
		case "definedName":
			n := name{name: pack.Attr(e, "name"), scope: -1}
			if i, err := strconv.Atoi(pack.Attr(e, "localSheetId")); err == nil {
				n.scope = i
			}
			var err error
			if n.text, err = x.Text(); err != nil {
				return err
			}
			if len(k.names) < maxNames {
				k.names = append(k.names, n)
			}
		}
		return nil
	})
}

func truth(s string) bool { return s == "1" || s == "true" || s == "on" }

// readStyles finds the number format of every cell style.
func (k *Book) readStyles(ctx context.Context) error {
	if k.styles == "" || !k.pack.Has(k.styles) {
		return nil
	}
	own, cells := map[int]string{}, false
	return k.each(ctx, k.styles, func(_ *pack.XML, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			if id, err := strconv.Atoi(pack.Attr(e, "numFmtId")); err == nil && len(own) < maxStyles {
				own[id] = pack.Attr(e, "formatCode")
			}
		case "cellXfs":
			cells = true
		case "cellStyleXfs", "cellStyles", "dxfs":
			cells = false
		case "xf":
			if !cells || len(k.formats) >= maxStyles {
				return nil
			}
			id, _ := strconv.Atoi(pack.Attr(e, "numFmtId"))
			format, ok := own[id]
			if !ok {
				format = grid.BuiltIn(id, k.locale)
			}
			k.formats = append(k.formats, format)
		}
		return nil
	})
}

// Sheets are the worksheets in their order.
func (k *Book) Sheets() []grid.Sheet {
	out := make([]grid.Sheet, len(k.sheets))
	for i, s := range k.sheets {
		out[i] = s.Sheet
	}
	return out
}

// Name finds what a defined name or a table means; on is the sheet that is asked for, whose own names come first.
func (k *Book) Name(ctx context.Context, wanted string, on int) (string, bool) {
	found, ok := "", false
	for _, n := range k.names {
		if strings.EqualFold(n.name, wanted) && (n.scope == on || n.scope == -1 && !ok || !ok) {
			found, ok = n.text, true
		}
	}
	if !ok {
		found, ok = k.table(ctx, wanted)
	}
	return strings.TrimPrefix(found, "="), ok
}

// table finds a table (Insert, Table) by its name.
func (k *Book) table(ctx context.Context, wanted string) (ref string, ok bool) {
	for _, s := range k.sheets {
		part := path.Join(path.Dir(s.part), "_rels", path.Base(s.part)+".rels")
		if !k.pack.Has(part) {
			continue
		}
		rels, err := k.relations(ctx, part, path.Dir(s.part))
		if err != nil {
			continue
		}
		for _, r := range rels {
			if path.Base(r.kind) != "table" || !k.pack.Has(r.target) {
				continue
			}
			_ = k.each(ctx, r.target, func(_ *pack.XML, e xml.StartElement) error {
				if e.Name.Local == "table" && (strings.EqualFold(pack.Attr(e, "displayName"), wanted) || strings.EqualFold(pack.Attr(e, "name"), wanted)) {
					totals, _ := strconv.Atoi(pack.Attr(e, "totalsRowCount"))
					if r, is := grid.ParseRef(pack.Attr(e, "ref")); is && totals >= 0 && totals <= r.Area.Bottom {
						a := r.Area
						ref, ok = "'"+strings.ReplaceAll(s.Name, "'", "''")+"'!"+grid.Name(a.Top, a.Left)+":"+grid.Name(a.Bottom-totals, a.Right), true
					}
				}
				return nil
			})
		}
	}
	return ref, ok
}
