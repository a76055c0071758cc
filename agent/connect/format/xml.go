package format

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"

	"vitrine/agent/connect/rows"
)

// document makes rows of the nodes that an XPath selects. The columns are what an element holds, named by how it is reached
// from there: price, price/@currency, room/name; author[2] is the second author. A text or an attribute is the column value.
// Without an XPath the rows are the children of the root that are called as its first one is.
func document(ctx context.Context, b []byte, o Options, most int) (rows.Table, error) {
	if is := sniff(b); is.id != "xml" && is.id != "xml2003" && is.id != "html" {
		return rows.Table{}, fmt.Errorf("it is no XML but %s: %s", is.name, is.fix)
	}
	if err := weighXML(b, false); err != nil {
		return rows.Table{}, fmt.Errorf("the XML cannot be read: %w", err)
	}
	root, err := xmlquery.Parse(bytes.NewReader(asUTF8(b)))
	if err != nil {
		return rows.Table{}, fmt.Errorf("the XML cannot be read: %w", err)
	}
	nodes := firstChildren(root, most)
	if o.XPath != "" {
		if nodes, err = chosen(ctx, root, o, most); err != nil {
			return rows.Table{}, err
		}
	}
	t := rows.Table{Truncated: len(nodes) > most}
	if len(nodes) == 0 {
		return t, fmt.Errorf("%w: nothing is at the XPath %q", errNoRows, o.XPath)
	}
	f := flat{at: map[string]int{}, most: rows.MaxColumns}
	for i, n := range nodes[:min(len(nodes), most)] {
		if i%256 == 0 && ctx.Err() != nil {
			return t, ctx.Err()
		}
		f.row = map[int]string{}
		f.take(n)
		if f.wide {
			return t, fmt.Errorf("what %q selects has more than %d columns: select smaller elements", o.XPath, rows.MaxColumns)
		}
		if f.cells += len(f.row); f.cells > maxCells {
			return t, fmt.Errorf("what %q selects has more than %d cells: select smaller elements", o.XPath, maxCells)
		}
		f.rows = append(f.rows, f.row)
	}
	t.Columns = f.names
	if len(f.rows)*len(f.names) > maxCells {
		return t, fmt.Errorf("it has %d rows of %d columns, %d cells are allowed: select smaller elements", len(f.rows), len(f.names), maxCells)
	}
	for _, cells := range f.rows {
		row := make([]rows.Value, len(f.names))
		for i := range row {
			row[i].Kind = rows.Null
			if text, ok := cells[i]; ok {
				row[i] = rows.Of(rows.Text, text)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// firstChildren are the elements in the root that are called as the first, one more than most; the root where it has none.
func firstChildren(doc *xmlquery.Node, most int) (nodes []*xmlquery.Node) {
	root := doc.FirstChild
	for root != nil && root.Type != xmlquery.ElementNode {
		root = root.NextSibling
	}
	if root == nil {
		return nil
	}
	for c := root.FirstChild; c != nil && len(nodes) <= most; c = c.NextSibling {
		if c.Type == xmlquery.ElementNode && (len(nodes) == 0 || c.Data == nodes[0].Data) {
			nodes = append(nodes, c)
		}
	}
	if len(nodes) == 0 {
		return []*xmlquery.Node{root}
	}
	return nodes
}

// everyName is prefix:* outside of quotes, for which the library finds nothing; an axis has two colons.
var everyName = regexp.MustCompile(`^(?:[^'"]|'[^']*'|"[^"]*")*[^\s:]:\*`)

// path makes an XPath ready. Where prefixes are bound, all must be but xml, which is bound already (Namespaces in XML, 3).
func path(o Options) (*xpath.Expr, error) {
	if everyName.MatchString(o.XPath) {
		return nil, fmt.Errorf("its XPath %.80q asks for every name of a prefix, which this player does not do; write *[namespace-uri() = 'http://…'] instead", o.XPath)
	}
	bound := o.Namespaces
	if len(bound) > 0 {
		bound = maps.Clone(bound)
		bound["xml"] = "http://www.w3.org/XML/1998/namespace"
	}
	e, err := xpath.CompileWithNS(o.XPath, bound)
	if err != nil {
		return nil, fmt.Errorf("its XPath %.80q cannot be understood: %s", o.XPath, strings.TrimSuffix(err.Error(), "."))
	}
	return e, nil
}

// chosen runs an XPath, one node more than most.
func chosen(ctx context.Context, root *xmlquery.Node, o Options, most int) (nodes []*xmlquery.Node, err error) {
	e, err := path(o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			if over, ok := p.(ended); ok {
				nodes, err = nil, over.error
				return
			}
			nodes, err = nil, fmt.Errorf("the XPath %.80q fails on this document: %v", o.XPath, p)
		}
	}()
	n := 0
	found := e.Evaluate(&walker{xmlquery.CreateXPathNavigator(root), ctx, &n})
	it, ok := found.(*xpath.NodeIterator)
	if !ok { // a number, a text, a truth
		return []*xmlquery.Node{{Type: xmlquery.TextNode, Data: fmt.Sprint(found)}}, nil
	}
	for len(nodes) <= most && it.MoveNext() {
		at := it.Current().(*walker).NodeNavigator
		node := at.Current()
		if at.NodeType() == xpath.AttributeNode {
			node = &xmlquery.Node{Type: xmlquery.TextNode, Data: at.Value()}
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// walker is a navigator that ends with its context, wherever an XPath leads it.
type walker struct {
	*xmlquery.NodeNavigator
	ctx   context.Context
	steps *int
}

// ended is what a walker panics with; chosen catches it.
type ended struct{ error }

func (w *walker) step() {
	if *w.steps++; *w.steps&0xfff == 0 {
		if err := w.ctx.Err(); err != nil {
			panic(ended{err})
		}
	}
}

func (w *walker) Copy() xpath.NodeNavigator {
	w.step()
	return &walker{w.NodeNavigator.Copy().(*xmlquery.NodeNavigator), w.ctx, w.steps}
}

func (w *walker) MoveTo(other xpath.NodeNavigator) bool {
	o, ok := other.(*walker)
	return ok && w.NodeNavigator.MoveTo(o.NodeNavigator)
}

func (w *walker) MoveToNext() bool  { w.step(); return w.NodeNavigator.MoveToNext() }
func (w *walker) MoveToChild() bool { w.step(); return w.NodeNavigator.MoveToChild() }
func (w *walker) Value() string     { w.step(); return w.NodeNavigator.Value() }

// flat collects the columns of elements.
type flat struct {
	names []string
	at    map[string]int
	row   map[int]string
	rows  []map[int]string
	cells int
	most  int
	wide  bool
}

func (f *flat) put(name, text string) {
	i, ok := f.at[name]
	if !ok {
		if i = len(f.names); i >= f.most {
			f.wide = true
			return
		}
		f.at[name], f.names = i, append(f.names, name)
	}
	f.row[i] = text
}

// take takes a selected node.
func (f *flat) take(n *xmlquery.Node) {
	if n.Type != xmlquery.ElementNode {
		f.put("value", oneLine(n.InnerText()))
		return
	}
	f.element(n, "")
}

// element takes what is in an element: its attributes, the elements in it, and its text where there are none.
func (f *flat) element(n *xmlquery.Node, path string) {
	for _, a := range n.Attr {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			f.put(join(path, "@"+a.Name.Local), a.Value)
		}
	}
	leaf, count := true, map[string]int{}
	for c := n.FirstChild; c != nil && !f.wide; c = c.NextSibling {
		if c.Type != xmlquery.ElementNode {
			continue
		}
		leaf = false
		name := c.Data
		if count[name]++; count[name] > 1 {
			name += "[" + strconv.Itoa(count[name]) + "]"
		}
		f.element(c, join(path, name))
	}
	if leaf {
		if path == "" {
			path = "value"
		}
		f.put(path, oneLine(n.InnerText()))
	} else if text := ownText(n); text != "" {
		f.put(join(path, "text()"), text)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

// ownText is the text between the elements in an element.
func ownText(n *xmlquery.Node) string {
	var b bytes.Buffer
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == xmlquery.TextNode || c.Type == xmlquery.CharDataNode {
			b.WriteString(c.Data)
		}
	}
	return oneLine(b.String())
}
