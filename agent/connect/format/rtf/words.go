package rtf

// symbols are the control words that are characters.
var symbols = map[string]string{"tab": "\t", "line": "\n", "lbr": "\n", "emdash": "—", "endash": "–", "emspace": "\u2003", "enspace": "\u2002", "qmspace": "\u2005",
	"bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "zwj": "\u200d", "zwnj": "\u200c", "zwbo": "\u200b"}

// unseen are the destinations that nobody sees, or that are not part of the text.
var unseen = map[string]bool{"colortbl": true, "stylesheet": true, "info": true, "pict": true, "header": true, "headerl": true, "headerr": true,
	"headerf": true, "footer": true, "footerl": true, "footerr": true, "footerf": true, "footnote": true, "annotation": true, "fldinst": true,
	"listtext": true, "pntext": true, "pntxta": true, "pntxtb": true, "objdata": true, "objclass": true, "objname": true, "nonesttables": true, "nonshppict": true,
	"filetbl": true, "listtable": true, "listoverridetable": true, "revtbl": true, "rsidtbl": true, "generator": true, "xe": true, "tc": true, "rxe": true,
	"bkmkstart": true, "bkmkend": true, "template": true, "datastore": true, "themedata": true, "colorschememapping": true, "latentstyles": true,
	"atnid": true, "atnauthor": true, "ftnsep": true, "ftnsepc": true, "ftncn": true, "aftnsep": true, "aftnsepc": true, "aftncn": true, "txe": true,
	"do": true, "private1": true, "title": true, "author": true, "comment": true, "operator": true, "shprslt": true, "sp": true, "mmath": true, "pgptbl": true}

// shown are the destinations behind \* that hold text all the same.
var shown = map[string]bool{"ud": true, "shptxt": true, "shpinst": true, "shp": true, "nestcell": true}

// word takes a control word. first: it stands at the beginning of a group; star: behind \*.
func (r *reader) word(word string, n int, has, first, star bool) error {
	if r.skip {
		if word == "ud" && star { // the Unicode half of \upr, whose other half is skipped
			r.skip = false
		}
		return nil
	}
	if s, ok := symbols[word]; ok && !star {
		r.put(s)
		return nil
	}
	if star && !shown[word] || first && unseen[word] {
		r.skip = true
		return nil
	}
	switch word {
	case "upr":
		r.skip = true
	case "fonttbl":
		r.flush()
		r.dest = word
	case "ansi", "mac", "pc", "pca":
		r.page = map[string]int{"ansi": 1252, "mac": 10000, "pc": 437, "pca": 850}[word]
	case "ansicpg":
		if n > 0 {
			r.page = n
		}
	case "deff":
		r.deff = n
		r.font = n
	case "f":
		r.font = n
	case "fcharset":
		if r.dest == "fonttbl" && len(r.fonts) < maxFonts {
			r.fonts[r.font] = n
		}
	case "cpg":
		if r.dest == "fonttbl" && len(r.fonts) < maxFonts && n > 0 {
			r.fonts[r.font] = -n
		}
	case "uc":
		r.uc = max(0, min(n, 100))
	case "u":
		r.unicode(n)
	case "v", "deleted":
		r.flush()
		r.hidden = !has || n != 0
	case "plain":
		r.flush()
		r.hidden, r.font = false, r.deff
	default:
		r.shape(word, n)
	}
	return nil
}

// shape takes the words of paragraphs and tables.
func (r *reader) shape(word string, n int) {
	switch word {
	case "par", "sect", "page", "column":
		r.flush()
		r.paragraph()
	case "pard":
		r.flush()
		r.inTbl = false
	case "intbl":
		r.inTbl = true
	case "itap":
		r.inTbl = n > 0
	case "trowd":
		r.flush()
		if len(r.cells) == 0 && !r.inTbl {
			r.endParagraph()
		}
		r.merged, r.merge = r.merged[:0], false
	case "clvmrg":
		r.merge = true
	case "cellx":
		if len(r.merged) < maxCells {
			r.merged = append(r.merged, r.merge)
		}
		r.merge = false
	case "cell":
		r.flush()
		r.endCell()
	case "nestcell":
		r.put("\t")
	case "nestrow":
		r.put("\n")
	case "row":
		r.flush()
		r.endRow()
	}
}
