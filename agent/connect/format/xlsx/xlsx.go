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
	err := k.each(ctx, part, func(x *pack.XML) error {
		if x.Name() == "Relationship" && x.Attr("TargetMode") != "External" && len(out) < maxStyles {
			target := x.Attr("Target")
			if abs, ok := strings.CutPrefix(target, "/"); ok {
				target = abs
			} else {
				target = path.Join(base, target)
			}
			out[x.Attr("Id")] = relation{x.Attr("Type"), target}
		}
		return nil
	})
	return out, err
}

// each calls f at every element of a part.
func (k *Book) each(ctx context.Context, part string, f func(*pack.XML) error) error {
	r, err := k.pack.Part(ctx, part)
	if err != nil {
		return err
	}
	defer r.Close()
	x := pack.NewXML(ctx, r.Reader)
	for {
		kind, err := x.Next()
		switch {
		case err == io.EOF:
			return nil
		case err == nil && kind == pack.Start && x.Is("extLst"):
			err = x.Skip() // what later versions add may have the same names
		case err == nil && kind == pack.Start:
			err = f(x)
		}
		if err != nil {
			return fmt.Errorf("its part %s: %w", part, err)
		}
	}
}

func (k *Book) workbook(ctx context.Context, main string, rels map[string]relation) error {
	return k.each(ctx, main, func(x *pack.XML) error {
		switch x.Name() {
		case "workbookPr":
			k.Date1904 = truth(x.Attr("date1904"))
		case "sheet":
			id := ""
			for _, a := range x.Attrs() {
				if a.Local == "id" && a.Prefix != "" {
					id = a.Value()
				}
			}
			r := rels[id]
			if path.Base(r.kind) != "worksheet" { // a chart, a dialogue, a macro
				return nil
			}
			k.sheets = append(k.sheets, sheet{grid.Sheet{Name: x.Attr("name"), Hidden: strings.HasSuffix(strings.ToLower(x.Attr("state")), "hidden")}, r.target})
			if len(k.sheets) > maxSheets {
				return fmt.Errorf("it has more than %d sheets", maxSheets)
			}
		case "definedName":
			n := name{name: x.Attr("name"), scope: -1}
			if i, err := strconv.Atoi(x.Attr("localSheetId")); err == nil {
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
	return k.each(ctx, k.styles, func(x *pack.XML) error {
		switch x.Name() {
		case "numFmt":
			if id, err := strconv.Atoi(x.Attr("numFmtId")); err == nil && len(own) < maxStyles {
				own[id] = x.Attr("formatCode")
			}
		case "cellXfs":
			cells = true
		case "cellStyleXfs", "cellStyles", "dxfs":
			cells = false
		case "xf":
			if !cells || len(k.formats) >= maxStyles {
				return nil
			}
			id, _ := strconv.Atoi(x.Attr("numFmtId"))
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
			_ = k.each(ctx, r.target, func(x *pack.XML) error {
				if x.Name() == "table" && (strings.EqualFold(x.Attr("displayName"), wanted) || strings.EqualFold(x.Attr("name"), wanted)) {
					totals, _ := strconv.Atoi(x.Attr("totalsRowCount"))
					if r, is := grid.ParseRef(x.Attr("ref")); is && totals >= 0 && totals <= r.Area.Bottom {
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
