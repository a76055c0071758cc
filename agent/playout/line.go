package playout

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
)

// maxLine bounds what one row may become, bytes.
const maxLine = 2000

// line is a template over one row: text, {{.column}}, {{if}}. It has no loops, no calls and no functions, so that it ends
// and reaches nothing but the row.
type line struct{ t *template.Template }

func newLine(text string) (line, error) {
	t, err := template.New("text").Option("missingkey=zero").Parse(text)
	if err != nil {
		return line{}, fmt.Errorf("the text %q is not a template: %w", text, err)
	}
	if len(t.Templates()) > 1 {
		return line{}, fmt.Errorf("the text %q defines templates of its own; write only {{.column}} and {{if .column}}", text)
	}
	if t.Tree != nil {
		if err := plain(t.Tree.Root); err != nil {
			return line{}, fmt.Errorf("the text %q: %w", text, err)
		}
	}
	return line{t}, nil
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
			return fmt.Errorf("{{%s}} is more than a column; write {{.column}}", n)
		}
		return plain(n.Cmds[0].Args[0])
	default:
		return fmt.Errorf("%s is not allowed; write only {{.column}} and {{if .column}}…{{end}}", n)
	}
}

// fill puts a row in; line breaks and runs of spaces become one space.
func (l line) fill(row map[string]string) string {
	var b strings.Builder
	if err := l.t.Execute(&bounded{b: &b}, row); err != nil && b.Len() == 0 {
		return ""
	}
	return strings.ToValidUTF8(strings.Join(strings.Fields(b.String()), " "), "")
}

// bounded takes up to maxLine bytes.
type bounded struct{ b *strings.Builder }

func (w *bounded) Write(p []byte) (int, error) {
	room := maxLine - w.b.Len()
	if room < len(p) {
		w.b.Write(p[:room])
		return room, errors.New("the line is too long")
	}
	return w.b.Write(p)
}
