package database

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// reading are the words that a statement which only reads begins with. What they can do besides, the transaction forbids or
// takes back; CREATE, DROP and the like would end it in many databases.
var reading = []string{"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE"}

// prepare checks that a query is one statement that reads, and puts the player's date and time into it as they are written
// in SQL. More are words that it may begin with besides.
func prepare(query string, now time.Time, more ...string) (string, error) {
	query = strings.TrimSpace(query)
	switch {
	case query == "":
		return "", errors.New("its query is empty")
	case len(query) > 64<<10:
		return "", errors.New("its query is longer than 64 KiB")
	case strings.ContainsRune(query, 0):
		return "", errors.New("its query holds a zero byte")
	}
	words := map[string]string{"today": now.Format("'2006-01-02'"), "tomorrow": now.AddDate(0, 0, 1).Format("'2006-01-02'"), "now": now.Format("'2006-01-02 15:04:05'")}
	var out strings.Builder
	begun, ended := false, false
	for rest := query; rest != ""; {
		piece, kind := next(rest)
		rest = rest[len(piece):]
		switch {
		case kind == blank:
		case ended:
			return "", fmt.Errorf("its query is more than one statement; what follows the first \";\" begins with %.20q", piece)
		case kind == code && piece == ";" && begun:
			ended = true
			continue
		case !begun && piece == "(":
		case !begun && !slices.Contains(append(more, reading...), strings.ToUpper(piece)):
			return "", fmt.Errorf("its query begins with %.20q; a source only reads: let it begin with SELECT", piece)
		case kind == variable:
			value, ok := words[piece[1:]]
			if !ok {
				return "", fmt.Errorf("its query names %s, which is not $today, $tomorrow or $now", piece)
			}
			piece = value
		}
		begun = begun || kind != blank && piece != "("
		out.WriteString(piece)
	}
	return strings.TrimSpace(out.String()), nil
}

// The kinds of piece that a statement is cut into.
const (
	code = iota
	blank
	quoted
	variable
)

// next cuts off the first piece of a statement. It knows the quotes that SQL dialects share; a server that reads a
// statement in another way refuses two at once by itself.
func next(s string) (piece string, kind int) {
	switch c := s[0]; {
	case strings.HasPrefix(s, "--"):
		return until(s, "\n", 2), blank
	case strings.HasPrefix(s, "/*"):
		return until(s, "*/", 2), blank
	case strings.ContainsRune(" \t\r\n", rune(c)):
		return s[:1], blank
	case c == '\'' || c == '"' || c == '`':
		return until(s, string(c), 1), quoted
	case c == '$':
		if end := word(s[1:]); end > 0 && !strings.HasPrefix(s[1+end:], "$") && (s[1] < '0' || s[1] > '9') {
			return s[:1+end], variable
		} else if strings.HasPrefix(s[1+end:], "$") { // PostgreSQL's $tag$ … $tag$
			tag := s[:end+2]
			return until(s, tag, len(tag)), quoted
		}
		return s[:1], code
	}
	if n := word(s); n > 0 {
		if strings.HasPrefix(s[n:], "$") { // a name with a dollar in it
			n++
			n += word(s[n:])
		}
		return s[:n], code
	}
	return s[:1], code
}

// until is s up to the end of the first mark at or after from, else all of it.
func until(s, mark string, from int) string {
	if i := strings.Index(s[from:], mark); i >= 0 {
		return s[:from+i+len(mark)]
	}
	return s
}

// word is how many bytes of letters, digits and underscores s begins with.
func word(s string) int {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c < 0x80 {
			return i
		}
	}
	return len(s)
}
