package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
	"vitrine/agent/connect"
	"vitrine/agent/secret"
)

func runSource(ctx context.Context, c *call) error {
	return c.among(ctx, []verb{
		{"test", "DIR NAME", "read one source of a folder here and now: rows, types, times, what was dropped",
			"vitrine source test lobby menus --secrets secrets.json", testSource},
	})
}

// trial is one source of a folder, tried on this machine.
type trial struct {
	call    *call
	dir     string
	name    string
	spec    bundle.SourceSpec
	home    connect.Home
	at      time.Time
	rows    int
	secrets map[string]secret.Secret
}

func testSource(ctx context.Context, c *call) error {
	fs := c.flags()
	file := fs.String("secrets", "", "`FILE` with what the bundle only names: {\"smb-canteen\": {\"user\": …, \"password\": …}}; without it you are asked")
	when := fs.String("at", "", "show the rows as they are at this `TIME`, such as 2027-01-04T12:30; now when absent")
	rows := fs.Int("rows", 10, "how many rows are written; 0: all")
	asJSON := fs.Bool("json", false, "everything as JSON")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(args) != 2 {
		return usage("give the bundle's folder and the name of one of its sources")
	}
	t := &trial{call: c, dir: args[0], name: args[1], rows: *rows}
	if err := t.load(*when); err != nil {
		return err
	}
	if err := t.learn(*file); err != nil {
		return err
	}
	now := time.Now
	if !t.at.IsZero() {
		now = func() time.Time { return t.at }
	}
	got, err := connect.Try(ctx, connect.Config{Now: now, Secret: t.secret}, t.name, t.spec, t.home, fileOf(t.dir))
	if err != nil {
		return err
	}
	if *asJSON {
		err = t.json(got)
	} else {
		t.print(got)
	}
	if err == nil && got.Err != nil {
		return errSaid
	}
	return err
}

// load reads the folder. What is wrong with other parts of it than the source is told by vitrine check.
func (t *trial) load(when string) error {
	f, err := folder.Load(t.dir)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(f.Manifest.Sources))
	spec, ok := f.Manifest.Sources[t.name]
	switch {
	case !ok && len(names) == 0:
		return errors.New("the folder has no sources; write one under sources: in " + folder.File)
	case !ok:
		return fmt.Errorf("the folder has no source %q; it has %s", t.name, strings.Join(names, ", "))
	}
	t.spec, t.home = spec, connect.Home{Zone: f.Manifest.Zone, Locale: f.Manifest.Locale}
	if when == "" {
		return nil
	}
	zone, err := time.LoadLocation(f.Manifest.Zone)
	if err != nil {
		return err
	}
	if t.at, err = time.Parse(time.RFC3339, when); err == nil {
		return nil
	}
	if t.at, err = time.ParseInLocation("2006-01-02T15:04", when, zone); err != nil {
		return usage("--at %q is not a time like 2027-01-04T12:30", when)
	}
	return nil
}

// learn reads the file of secrets, or asks for the one that the source names.
func (t *trial) learn(file string) error {
	name := t.spec.Location.SecretName()
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the secrets: %w", err)
		}
		if err := json.Unmarshal(b, &t.secrets); err != nil {
			return fmt.Errorf("%s is not like {\"name\": {\"user\": …, \"password\": …}}", file) // what it holds is not repeated
		}
		if _, ok := t.secrets[name]; name != "" && !ok {
			return fmt.Errorf("%s has no secret %q, which the source names", file, name)
		}
		return nil
	}
	if name == "" {
		return nil
	}
	f, ok := t.call.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return fmt.Errorf("the source needs the secret %q: give a file with --secrets, or call this at a terminal to be asked", name)
	}
	var s secret.Secret
	fmt.Fprintf(t.call.stderr, "user for %s (empty for a token): ", name)
	line, err := readLine(f)
	if err != nil {
		return err
	}
	what, field := "password", &s.Password
	if s.User = line; line == "" {
		what, field = "token", &s.Token
	}
	fmt.Fprintf(t.call.stderr, "%s for %s: ", what, name)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(t.call.stderr)
	if err != nil {
		return fmt.Errorf("read the %s: %w", what, err)
	}
	*field = string(b)
	t.secrets = map[string]secret.Secret{name: s}
	return nil
}

// readLine reads one line, byte by byte, so that what follows is left for who reads next.
func readLine(r io.Reader) (string, error) {
	var line bytes.Buffer
	b := make([]byte, 1)
	for line.Len() < 1000 {
		n, err := r.Read(b)
		if n == 1 && b[0] == '\n' {
			break
		}
		line.Write(b[:n])
		if err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(line.String()), nil
}

// secret gives a secret for a host, as a player's vault does: one that names hosts goes to no other.
func (t *trial) secret(name, host string) (secret.Secret, error) {
	s, ok := t.secrets[name]
	switch {
	case !ok:
		return s, fmt.Errorf("it needs the secret %q, which was not given", name)
	case len(s.Hosts) > 0 && !s.Allows(host):
		return secret.Secret{}, fmt.Errorf("the secret %q may not be sent to %s; it is bound to %s", name, host, strings.Join(s.Hosts, ", "))
	}
	return s, nil
}

// column is a column of the rows with what kinds of value it holds.
type column struct {
	Name  string         `json:"name"`
	Kinds map[string]int `json:"kinds"`
}

func columnsOf(names []string, lines [][]connect.Value) []column {
	out := make([]column, len(names))
	for i, n := range names {
		out[i] = column{n, map[string]int{}}
		for _, row := range lines {
			out[i].Kinds[string(row[i].Kind)]++
		}
	}
	return out
}

func (c column) kinds() string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(c.Kinds)) {
		all = append(all, fmt.Sprintf("%s %d", k, c.Kinds[k]))
	}
	return strings.Join(all, ", ")
}

func (t *trial) cut(n int) int {
	if t.rows > 0 {
		return min(n, t.rows)
	}
	return n
}

func (t *trial) json(got connect.Trial) error {
	type step struct {
		Step  string  `json:"step"`
		Took  float64 `json:"ms"`
		Bytes int     `json:"bytes,omitempty"`
		Rows  int     `json:"rows,omitempty"`
	}
	r := got.Shown
	out := struct {
		OK        bool                `json:"ok"`
		Source    string              `json:"source"`
		Type      string              `json:"type"`
		Error     string              `json:"error,omitempty"`
		Class     connect.Class       `json:"class,omitempty"`
		Read      int                 `json:"read"`
		From      []column            `json:"from"`
		Count     int                 `json:"count"`
		Columns   []column            `json:"columns"`
		Rows      []map[string]string `json:"rows"`
		Values    [][]connect.Value   `json:"values"`
		Truncated bool                `json:"truncated,omitempty"`
		Dropped   any                 `json:"dropped"`
		Steps     []step              `json:"steps"`
	}{OK: got.Err == nil, Source: t.name, Type: t.spec.Type, Error: r.Err, Class: r.Class, Read: len(got.Read.Rows), From: columnsOf(got.Read.Columns, got.Read.Rows),
		Count: len(r.Rows), Columns: columnsOf(r.Columns, r.Rows), Rows: []map[string]string{}, Values: r.Rows[:t.cut(len(r.Rows))], Truncated: r.Truncated, Dropped: r.Dropped, Steps: []step{}}
	for i := range t.cut(len(r.Rows)) {
		row := map[string]string{}
		for _, c := range r.Columns {
			row[c] = r.Cell(i, c)
		}
		out.Rows = append(out.Rows, row)
	}
	for _, s := range got.Steps {
		out.Steps = append(out.Steps, step{s.Name, float64(s.Took.Microseconds()) / 1000, s.Bytes, s.Rows})
	}
	return printJSON(t.call.stdout, out)
}

func (t *trial) print(got connect.Trial) {
	w, r := t.call.stdout, got.Shown
	for _, s := range got.Steps {
		note := ""
		if s.Bytes > 0 {
			note = ", " + bytesText(int64(s.Bytes))
		}
		if s.Rows > 0 {
			note += ", " + count(s.Rows, "row")
		}
		fmt.Fprintf(w, "%-6s %9.1f ms%s\n", s.Name, float64(s.Took.Microseconds())/1000, note)
	}
	for _, d := range r.Dropped {
		fmt.Fprintf(w, "dropped: %s: %s\n", d.Place, d.Why)
	}
	if r.Truncated {
		fmt.Fprintf(w, "cut: it has more than %d rows (limits.rows)\n", len(got.Read.Rows))
	}
	if got.Err != nil {
		fmt.Fprintf(t.call.stderr, "vitrine source test: source %s: %s\n", t.name, r.Err)
		return
	}
	if len(t.spec.Map) > 0 || t.spec.Filter != "" {
		fmt.Fprintf(w, "\nthe source has %s of\n", count(len(got.Read.Rows), "row"))
		for _, c := range columnsOf(got.Read.Columns, got.Read.Rows) {
			fmt.Fprintf(w, "  %-24s %s\n", c.Name, c.kinds())
		}
	}
	fmt.Fprintf(w, "\nzones see %s of\n", count(len(r.Rows), "row"))
	for _, c := range columnsOf(r.Columns, r.Rows) {
		fmt.Fprintf(w, "  %-24s %s\n", c.Name, c.kinds())
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(r.Columns, "\t"))
	for i := range t.cut(len(r.Rows)) {
		line := make([]string, len(r.Columns))
		for k, name := range r.Columns {
			line[k] = strings.Join(strings.Fields(r.Cell(i, name)), " ")
		}
		fmt.Fprintln(table, strings.Join(line, "\t"))
	}
	table.Flush()
	if more := len(r.Rows) - t.cut(len(r.Rows)); more > 0 {
		fmt.Fprintf(w, "… and %d more (--rows 0 shows all)\n", more)
	}
}
