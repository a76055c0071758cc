package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vitrine/agent/connect/connecttest"
)

// many is how many rows the sources of the bench have.
const many = 50_000

// dish is a row of them.
func dish(i int) (name string, cents, stock int) {
	names := []string{"Soupe à l’oignon", "Gratin dauphinois", "Bœuf bourguignon", "Tarte Tatin", "Salade niçoise", "Pain perdu"}
	return fmt.Sprintf("%s %05d", names[i%len(names)], (i*7919)%many), 250 + (i*37)%2750, (i * 13) % 97
}

// data measures how long it is from a source of 50,000 rows to its first page, sorted and written as people read it, and how
// much memory that takes, beside what a person would type into a terminal.
func (s *stage) data(ctx context.Context) ([]Figure, error) {
	for _, name := range []string{"xlsx2csv", "mlr", "psql"} {
		if _, err := exec.LookPath(name); err != nil {
			return []Figure{{"50,000 rows of .csv, .xlsx, PostgreSQL", "–", name + " is not installed", "–"}}, nil
		}
	}
	db, err := s.database(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	dir := s.path("data")
	if err := s.tables(dir, db.port); err != nil {
		return nil, err
	}
	page := func(source string) *exec.Cmd {
		return exec.CommandContext(ctx, filepath.Join(s.bin, "vitrine"), "source", "test", dir, source, "--rows", "6", "--json", "--secrets", filepath.Join(s.path(), "secrets.json"))
	}
	csv, xlsx := filepath.Join(dir, "menu.csv"), filepath.Join(dir, "menu.xlsx")
	var figures []Figure
	for _, race := range []struct {
		what, source, name string
		other              []string
	}{
		{".csv", "csv", "mlr", []string{"mlr", "--icsv", "--ojson", "--ifs", ";", "filter", "$Stock > 10", "then", "put", `$Prix = sub($Prix, ",", ".")`, "then", "sort", "-nf", "Prix", "then", "head", "-n", "6", csv}},
		{".xlsx", "xlsx", "xlsx2csv", []string{"xlsx2csv", "-d", ";", xlsx, "/dev/null"}},
		{"PostgreSQL", "sql", "psql", []string{"psql", "-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(db.port), "-U", "bench", "-d", "postgres", "-o", "/dev/null", "-c", "SELECT * FROM menu"}},
	} {
		ours, err := raced(page(race.source), true)
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", race.source, err)
		}
		other, err := raced(exec.CommandContext(ctx, race.other[0], race.other[1:]...), false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", race.name, err)
		}
		figures = append(figures,
			Figure{"50,000 rows of " + race.what + " to the first page", fmt.Sprintf("%.2f s", ours.took), fmt.Sprintf("%s %.2f s", race.name, other.took), fmt.Sprintf("%.2f", ours.took/other.took)},
			Figure{"memory meanwhile, at most", fmt.Sprintf("%.0f MiB", ours.memory), fmt.Sprintf("%s %.0f MiB", race.name, other.memory), fmt.Sprintf("%.1f", ours.memory/other.memory)})
	}
	return figures, nil
}

// effort is what a program needed: seconds, MiB.
type effort struct{ took, memory float64 }

// raced runs a program three times and gives the quickest, with the most memory of the three. ours says whether it found the rows.
func raced(cmd *exec.Cmd, ours bool) (best effort, err error) {
	for range 3 {
		again := *cmd
		var out, errs bytes.Buffer
		again.Stdout, again.Stderr = &out, &errs
		again.Env = append(os.Environ(), "PGPASSWORD=bench")
		begin := time.Now()
		if err := again.Run(); err != nil {
			return best, fmt.Errorf("%w: %s", err, strings.TrimSpace(errs.String()))
		}
		took := time.Since(begin).Seconds()
		var said struct{ Read, Count int }
		if err := json.Unmarshal(out.Bytes(), &said); ours && (err != nil || said.Read != many || said.Count < 6) {
			return best, fmt.Errorf("it read %d rows and shows %d: %w", said.Read, said.Count, err)
		}
		if best.took == 0 || took < best.took {
			best.took = took
		}
		if use, ok := again.ProcessState.SysUsage().(*syscall.Rusage); ok {
			best.memory = max(best.memory, float64(use.Maxrss)/1024)
		}
	}
	return best, nil
}

// tables writes the folder with its sources, and what they read.
func (s *stage) tables(dir string, port int) error {
	rows := func(location, more string) string {
		return fmt.Sprintf("{%slocation: %s, limits: {rows: 60000, bytes: 64MiB}, locale: fr-FR, filter: \"stock > 10\", sort: [price, title], limit: 6,\n"+
			"    map: [{name: title, from: Plat}, {name: price, from: Prix, type: decimal, show: \"0.00 €\"}, {name: stock, from: Stock, type: decimal}]}\n", more, location)
	}
	folder := "id: data\nlocale: fr\nsources:\n" +
		"  csv: " + rows("{type: bundle, path: menu.csv}", "type: delimited, separator: \";\", ") +
		"  xlsx: " + rows("{type: bundle, path: menu.xlsx}", "type: xlsx, ") +
		"  sql: " + rows(fmt.Sprintf("{type: postgresql, host: 127.0.0.1, port: %d, database: postgres, tls: \"off\", auth: {secret: bench}}", port), "type: sql, sql: SELECT * FROM menu, ") +
		"scenes:\n  a: {for: 5s, zones: [{at: [0, 0, 9, 9], background: \"#000000\"}]}\nfallback: [a]\n"
	if err := files(dir, map[string]string{"bundle.yaml": folder, "menu.csv": commas()}); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "menu.xlsx"))
	if err != nil {
		return err
	}
	return errors.Join(workbook(f), f.Close(), os.WriteFile(s.path("secrets.json"), []byte(`{"bench": {"user": "bench", "password": "bench"}}`), 0o600))
}

// commas is the table as text, in the way of French programs.
func commas() string {
	var b strings.Builder
	b.WriteString("Plat;Prix;Stock\n")
	for i := range many {
		name, cents, stock := dish(i)
		fmt.Fprintf(&b, "%s;%d,%02d;%d\n", name, cents/100, cents%100, stock)
	}
	return b.String()
}

// workbook is the table as a spreadsheet (ECMA-376), its texts shared as programs write them.
func workbook(w io.Writer) error {
	z := zip.NewWriter(w)
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	const main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	var sheet, texts strings.Builder
	sheet.WriteString(`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c></row>`)
	texts.WriteString("<si><t>Plat</t></si><si><t>Prix</t></si><si><t>Stock</t></si>")
	for i := range many {
		name, cents, stock := dish(i)
		n := i + 2
		fmt.Fprintf(&sheet, `<row r="%d"><c r="A%d" t="s"><v>%d</v></c><c r="B%d"><v>%d.%02d</v></c><c r="C%d"><v>%d</v></c></row>`, n, n, i+3, n, cents/100, cents%100, n, stock)
		fmt.Fprintf(&texts, "<si><t>%s</t></si>", name)
	}
	rels := `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	office := "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	for _, part := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>`},
		{"_rels/.rels", rels + `<Relationship Id="rId1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook ` + main + ` xmlns:r="` + office + `"><sheets><sheet name="Menu" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", rels + `<Relationship Id="rId1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + office + `/sharedStrings" Target="sharedStrings.xml"/></Relationships>`},
		{"xl/worksheets/sheet1.xml", `<worksheet ` + main + `><sheetData>` + sheet.String() + `</sheetData></worksheet>`},
		{"xl/sharedStrings.xml", fmt.Sprintf(`<sst %s count="%d" uniqueCount="%d">%s</sst>`, main, many+3, many+3, texts.String())},
	} {
		f, err := z.Create(part[0])
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, head+part[1]); err != nil {
			return err
		}
	}
	return z.Close()
}

// store is a PostgreSQL of the bench's own.
type store struct {
	*connecttest.Stage
	port int
}

// database starts PostgreSQL on loopback with the table in it.
func (s *stage) database(ctx context.Context) (*store, error) {
	of, err := connecttest.NewStage()
	if err != nil {
		return nil, err
	}
	db := &store{Stage: of}
	if db.port, err = connecttest.Port(); err == nil {
		err = db.start(ctx)
	}
	if err != nil {
		of.Close()
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return db, nil
}

func (db *store) start(ctx context.Context) error {
	program := func(name string) string {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // Debian keeps them out of the PATH; none is told by who starts it
		if len(found) == 0 {
			return name
		}
		return found[len(found)-1]
	}
	dir := filepath.Join(db.Dir, "postgres")
	pass := filepath.Join(dir, "password")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(pass, []byte("bench"), 0o644), connecttest.Give("postgres", dir)); err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	init := exec.CommandContext(ctx, program("initdb"), "-D", data, "-U", "bench", "-A", "scram-sha-256", "--pwfile", pass, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if err := errors.Join(connecttest.As(init, "postgres"), connecttest.Run(init)); err != nil {
		return err
	}
	server := exec.Command(program("postgres"), "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "port="+strconv.Itoa(db.port), "-c", "unix_socket_directories="+dir, "-c", "fsync=off")
	if err := connecttest.As(server, "postgres"); err != nil {
		return err
	}
	if err := db.Start(server, func() error { return db.psql(ctx, "SELECT 1", "") }); err != nil {
		return err
	}
	var rows strings.Builder
	for i := range many {
		name, cents, stock := dish(i)
		fmt.Fprintf(&rows, "%s\t%d.%02d\t%d\n", name, cents/100, cents%100, stock)
	}
	return errors.Join(db.psql(ctx, `CREATE TABLE menu ("Plat" text, "Prix" numeric(8,2), "Stock" int)`, ""), db.psql(ctx, "COPY menu FROM STDIN", rows.String()))
}

func (db *store) psql(ctx context.Context, query, in string) error {
	cmd := exec.CommandContext(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", strconv.Itoa(db.port), "-U", "bench", "-d", "postgres", "-c", query)
	cmd.Env, cmd.Stdin = append(os.Environ(), "PGPASSWORD=bench"), strings.NewReader(in)
	return connecttest.Run(cmd)
}
