package bundle

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
)

// maxLine bounds what one row may become, bytes.
const maxLine = 2000

// Line is a ticker's template over one row: text, {{.column}}, {{if .column}}…{{end}}. It has no loops, no calls and no
// functions, so that it ends and reaches nothing but the row.
type Line struct{ t *template.Template }

// NewLine reads a template; the error says what is not allowed and what to write.
func NewLine(text string) (Line, error) {
	t, err := template.New("text").Option("missingkey=zero").Parse(text)
	if err != nil {
		return Line{}, errors.New(strings.TrimPrefix(err.Error(), "template: text:1: "))
	}
	if len(t.Templates()) > 1 {
		return Line{}, errors.New("it defines templates of its own")
	}
	if t.Tree != nil {
		if err := plain(t.Root); err != nil {
			return Line{}, err
		}
	}
	return Line{t}, nil
}

// plain refuses all but text, columns and conditions.
func plain(n parse.Node) error {
	switch n := n.(type) {
	case nil, *parse.TextNode, *parse.FieldNode, *parse.DotNode, *parse.StringNode, *parse.CommentNode:
		return nil
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, c := range n.Nodes {
			if err := plain(c); err != nil {
				return err
			}
		}
		return nil
	case *parse.ActionNode:
		return plain(n.Pipe)
	case *parse.IfNode:
		return errors.Join(plain(n.Pipe), plain(n.List), plain(n.ElseList))
	case *parse.PipeNode:
		if n == nil {
			return nil
		}
		if len(n.Decl) > 0 || len(n.Cmds) != 1 || len(n.Cmds[0].Args) != 1 {
			return fmt.Errorf("{{%s}} is more than a column", n)
		}
		return plain(n.Cmds[0].Args[0])
	}
	return fmt.Errorf("%s is not allowed", n)
}

// Fill puts a row in, by the names of its columns; line breaks and runs of spaces become one space. The result has at most
// 2000 bytes.
func (l Line) Fill(row map[string]string) string {
	var b strings.Builder
	if err := l.t.Execute(&boundedWriter{b: &b}, row); err != nil && b.Len() == 0 {
		return ""
	}
	return strings.ToValidUTF8(strings.Join(strings.Fields(b.String()), " "), "")
}

// boundedWriter takes up to maxLine bytes.
type boundedWriter struct{ b *strings.Builder }

func (w *boundedWriter) Write(p []byte) (int, error) {
	room := maxLine - w.b.Len()
	if room < len(p) {
		w.b.Write(p[:room])
		return room, errors.New("the line is too long")
	}
	return w.b.Write(p)
}
