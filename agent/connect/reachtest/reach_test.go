package reachtest

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/agent/connect/agenda/agendatest"
	"vitrine/agent/connect/connecttest"
	"vitrine/agent/connect/database/tdstest"
	"vitrine/agent/secret"
)

// must gives what cannot fail in a test's own files.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// dishes are rows that all formats can hold, more than one packet of a network.
const dishes = 1500

func menu() (want []string) {
	for i := range dishes {
		want = append(want, fmt.Sprintf("Plat n° %d é|%d.50", i, i))
	}
	return want
}

// each writes every dish in some way.
func each(format string) string {
	var b strings.Builder
	for i := range dishes {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// format is a kind of file: how it is named in a bundle, its bytes, and its rows.
type format struct {
	spec  bundle.SourceSpec
	bytes []byte
	want  []string
	again bool
}

func columns(names ...string) (all []bundle.RowColumn) {
	for _, n := range names {
		to, from, _ := strings.Cut(n, "=")
		c := bundle.RowColumn{Name: to, From: from}
		if to == "price" {
			c.Type = "decimal"
		}
		all = append(all, c)
	}
	return all
}

func formats(t *testing.T) map[string]format {
	t.Helper()
	dir := t.TempDir()
	var titles, numbers []string
	for _, row := range menu() {
		titles, numbers = append(titles, strings.Split(row, "|")[0]), append(numbers, strings.TrimSuffix(row, "0"))
	}
	workbook := excelize.NewFile()
	defer workbook.Close()
	for i := range dishes {
		at := must(excelize.CoordinatesToCellName(1, i+2))
		if err := workbook.SetSheetRow("Sheet1", at, &[]any{fmt.Sprintf("Plat n° %d é", i), float64(i) + 0.5}); err != nil {
			t.Fatal(err)
		}
	}
	if err := workbook.SetSheetRow("Sheet1", "A1", &[]any{"dish", "price"}); err != nil {
		t.Fatal(err)
	}
	lite := filepath.Join(dir, "menu.db")
	if out, err := exec.Command("sqlite3", lite, "CREATE TABLE menu (dish TEXT, price TEXT); WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < "+
		strconv.Itoa(dishes-1)+") INSERT INTO menu SELECT 'Plat n° ' || i || ' é', i || '.50' FROM n").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mdb := filepath.Join(dir, "sample.mdb")
	if err := os.WriteFile(mdb, must(io.ReadAll(must(gzip.NewReader(must(os.Open("../database/testdata/sample.mdb.gz")))))), 0o600); err != nil {
		t.Fatal(err)
	}
	var people []string
	for i, row := range must(csv.NewReader(bytes.NewReader(must(exec.Command("mdb-export", mdb, "tblEmployees").Output()))).ReadAll()) {
		if i > 0 {
			people = append(people, row[1]+"|"+row[8])
		}
	}
	day := time.Now().AddDate(0, 0, 1).Format("20060102")
	person := columns("name=strLastName", "city=strCity")
	return map[string]format{
		"delimited": {bundle.SourceSpec{Type: "delimited", Separator: ";", Locale: "fr-FR", Map: columns("dish=Plat", "price=Prix")}, []byte("Jour;Prix;Plat\n" + each("20/11/2026;%[1]d,50 €;Plat n° %[1]d é\n")), menu(), false},
		"json":      {bundle.SourceSpec{Type: "json", Query: ".menu[] | {dish, price}"}, []byte(`{"menu":[` + strings.TrimSuffix(each(`{"dish":"Plat n° %[1]d é","price":%[1]d.50},`), ",") + "]}"), menu(), false},
		"xml":       {bundle.SourceSpec{Type: "xml", XPath: "//item", Map: columns("dish", "price")}, []byte("<menu>" + each("<item><dish>Plat n° %[1]d é</dish><price>%[1]d.50</price></item>") + "</menu>"), menu(), false},
		"feed":      {bundle.SourceSpec{Type: "feed", Map: columns("title")}, []byte(`<rss version="2.0"><channel><title>x</title>` + each("<item><title>Plat n° %d é</title></item>") + "</channel></rss>"), titles, false},
		"text":      {bundle.SourceSpec{Type: "text"}, []byte(each("Plat n° %d é\n")), titles, false},
		"rtf":       {bundle.SourceSpec{Type: "rtf"}, []byte(`{\rtf1\ansi\ansicpg1252 ` + each(`Plat n\'b0 %d \'e9\par `) + "}"), titles, false},
		"xlsx":      {bundle.SourceSpec{Type: "xlsx", Map: columns("dish", "price")}, must(workbook.WriteToBuffer()).Bytes(), numbers, false},
		"ical": {bundle.SourceSpec{Type: "ical", Map: columns("title")}, []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + each("BEGIN:VEVENT\r\nUID:%[1]d\r\nDTSTAMP:20270101T000000Z\r\nDTSTART:"+day+"T080000Z\r\nDTEND:"+day+"T090000Z\r\nSUMMARY:Plat n° %[1]d é\r\nEND:VEVENT\r\n") + "END:VCALENDAR\r\n"),
			slices.Sorted(slices.Values(titles)), true}, // of those that begin together, by their names
		"sqlite":       {bundle.SourceSpec{Type: "sql", SQL: "SELECT dish, price FROM menu ORDER BY rowid"}, must(os.ReadFile(lite)), menu(), false},
		"access":       {bundle.SourceSpec{Type: "access", Table: "tblEmployees", Map: person}, must(os.ReadFile(mdb)), people, false},
		"access query": {bundle.SourceSpec{Type: "access", SQL: "SELECT strLastName, strCity FROM tblEmployees", Map: person}, must(os.ReadFile(mdb)), people, false},
	}
}

// location is a kind of place: how a file of the served folder is named there, and what proves who asks.
type location struct {
	formats []string
	folder  bool // it lists folders
	at      func(t *testing.T, file, secret string) (bundle.Location, secret.Secret, *connecttest.Proxy)
}

func locations() map[string]location {
	local := func(p *connecttest.Proxy) []string { return []string{fmt.Sprint("127.0.0.1:", p.Port)} }
	web := func(kind string) func(*testing.T, string, string) (bundle.Location, secret.Secret, *connecttest.Proxy) {
		return func(t *testing.T, file, name string) (bundle.Location, secret.Secret, *connecttest.Proxy) {
			p := port(t, servers.nginx.Port)
			return bundle.Location{Type: kind, URL: fmt.Sprintf("https://127.0.0.1:%d/files/%s", p.Port, file), CA: "ca.pem", Auth: &bundle.Auth{Secret: name}},
				secret.Secret{User: "board", Password: canary, Hosts: local(p)}, p
		}
	}
	on := func(kind, dir string) func(*testing.T, string, string) (bundle.Location, secret.Secret, *connecttest.Proxy) {
		return func(_ *testing.T, file, _ string) (bundle.Location, secret.Secret, *connecttest.Proxy) {
			return bundle.Location{Type: kind, Path: path.Join(dir, file)}, secret.Secret{}, nil
		}
	}
	return map[string]location{
		"smb": {[]string{"delimited", "xlsx", "sqlite", "access", "access query"}, true, func(t *testing.T, file, name string) (bundle.Location, secret.Secret, *connecttest.Proxy) {
			p := port(t, servers.smb.Port)
			return bundle.Location{Type: "smb", Host: "127.0.0.1", Port: p.Port, Share: "sealed", Encrypted: true, Path: file, Auth: &bundle.Auth{Secret: name}},
				secret.Secret{User: servers.user, Password: canary, Domain: "CANTEEN", Hosts: local(p)}, p
		}},
		"sftp": {[]string{"delimited", "json", "rtf", "sqlite", "access", "access query"}, true, func(t *testing.T, file, name string) (bundle.Location, secret.Secret, *connecttest.Proxy) {
			p := port(t, servers.ssh.Port)
			return bundle.Location{Type: "sftp", Host: "127.0.0.1", Port: p.Port, HostKey: servers.ssh.HostKey, Path: filepath.Join(servers.files, file), Auth: &bundle.Auth{Secret: name}},
				secret.Secret{User: servers.user, Key: servers.ssh.Key, Hosts: local(p)}, p
		}},
		"webdav": {[]string{"delimited", "xml", "sqlite", "access", "access query"}, true, web("webdav")},
		"https":  {[]string{"delimited", "feed", "ical", "sqlite", "access", "access query"}, false, web("https")},
		"nfs":    {[]string{"delimited", "sqlite", "access", "access query"}, true, on("nfs", servers.mounted)},
		"file":   {[]string{"delimited", "text", "access", "access query"}, true, on("file", servers.files)},
		"bundle": {[]string{"delimited", "sqlite", "access", "access query"}, false, on("bundle", "")},
	}
}

func TestEveryPlaceIsReachedInAFormatThatFits(t *testing.T) {
	t.Parallel()
	all, kinds, inBundle := map[string]reach{}, formats(t), map[string][]byte{}
	tree := []string{"a.jpg|3", "b.jpg|5", "c.jpg|0"}
	for where, l := range locations() {
		for _, kind := range l.formats {
			f, name := kinds[kind], strings.ReplaceAll(where+"-"+kind, " ", "-")
			if err := os.WriteFile(filepath.Join(servers.files, name), f.bytes, 0o644); err != nil {
				t.Fatal(err)
			}
			r := reach{spec: f.spec, want: f.want, again: f.again, file: filepath.Join(servers.files, name)}
			r.spec.Location, r.secret, r.proxy = l.at(t, name, name)
			if where == "bundle" {
				inBundle[name] = f.bytes
			}
			all[name] = r
		}
		if !l.folder {
			continue
		}
		name := where + "-folder"
		for _, file := range tree {
			file, size, _ := strings.Cut(file, "|")
			to := filepath.Join(servers.files, name, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, make([]byte, must(strconv.Atoi(size))), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		r := reach{spec: bundle.SourceSpec{Type: "folder", Pattern: "*.jpg", Map: columns("name", "size"), Sort: []bundle.SortKey{{By: "name"}}}, want: tree, again: true, file: filepath.Join(servers.files, name)}
		r.spec.Location, r.secret, r.proxy = l.at(t, name, name)
		all[name] = r
	}
	p := journey(t, all, inBundle)
	for name, r := range all { // and what is new is taken
		if !strings.HasSuffix(name, "-delimited") || r.spec.Location.Type == "bundle" {
			continue
		}
		if err := errors.Join(os.WriteFile(r.file+".new", []byte("Plat;Prix\nGratin;7,25\n"), 0o644), os.Rename(r.file+".new", r.file)); err != nil {
			t.Fatal(err)
		}
		p.until(name, "what its file has become", func(got connect.Result) bool { return slices.Equal(rowsOf(got), []string{"Gratin|7.25"}) })
	}
}

func TestEveryDatabaseIsReached(t *testing.T) {
	t.Parallel()
	kinds, dir := formats(t), t.TempDir()
	const table = "DROP TABLE IF EXISTS dishes; CREATE TABLE dishes (n int, dish varchar(100), price decimal(10,2)); INSERT INTO dishes "
	if _, err := servers.postgres.Ask(table + "SELECT i, 'Plat n° ' || i || ' é', i + 0.5 FROM generate_series(0, 1499) i"); err != nil {
		t.Fatal(err)
	}
	if _, err := servers.mariadb.Ask(table + "SELECT seq, concat('Plat n° ', seq, ' é'), seq + 0.5 FROM seq_0_to_1499"); err != nil {
		t.Fatal(err)
	}
	const query = "SELECT dish, price FROM dishes ORDER BY n"
	answer := tdstest.Table{Columns: []tdstest.Column{{Name: "dish", Type: "nvarchar"}, {Name: "price", Type: "decimal", Scale: 2}}}
	for _, row := range menu() {
		dish, price, _ := strings.Cut(row, "|")
		answer.Rows = append(answer.Rows, []any{dish, price})
	}
	pair := must(tls.LoadX509KeyPair(servers.ca.Cert, servers.ca.Key))
	microsoft, err := tdstest.New(tdstest.Config{User: "board", Password: canary, Database: "menus", Force: true, Answers: map[string]tdstest.Table{query: answer}, TLS: &tls.Config{Certificates: []tls.Certificate{pair}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(microsoft.Close)
	all := map[string]reach{}
	server := func(name, kind, database string, of int, change func(*bundle.SourceSpec)) {
		p := port(t, of)
		r := reach{spec: bundle.SourceSpec{Type: "sql", SQL: query, Location: bundle.Location{Type: kind, Host: "127.0.0.1", Port: p.Port, Database: database, CA: "ca.pem", Auth: &bundle.Auth{Secret: name}}},
			secret: secret.Secret{User: "board", Password: canary, Hosts: []string{fmt.Sprint("127.0.0.1:", p.Port)}}, want: menu(), proxy: p, again: true}
		change(&r.spec)
		all[name] = r
	}
	as := func(driver string) func(*bundle.SourceSpec) {
		return func(s *bundle.SourceSpec) {
			if driver != "" {
				s.Type, s.Location.Type, s.Location.CA, s.Location.Driver = "odbc", "odbc", "", driver
			}
		}
	}
	server("postgresql", "postgresql", "postgres", servers.postgres.Server, as(""))
	server("mariadb", "mariadb", "board", servers.mariadb.Server, as(""))
	server("mysql", "mysql", "board", servers.mariadb.Server, as(""))
	server("sqlserver", "sqlserver", "menus", microsoft.Port, as(""))
	server("postgresql-odbc", "", "postgres", servers.postgres.Server, as("PostgreSQL Unicode"))
	server("mariadb-odbc", "", "board", servers.mariadb.Server, as("MariaDB Unicode"))
	lite, mdb := filepath.Join(dir, "menu.db"), filepath.Join(dir, "menu.mdb")
	if err := errors.Join(os.WriteFile(lite, kinds["sqlite"].bytes, 0o600), os.WriteFile(lite+"2", kinds["sqlite"].bytes, 0o600), os.WriteFile(mdb, kinds["access"].bytes, 0o600)); err != nil {
		t.Fatal(err)
	}
	all["sqlite"] = reach{spec: kinds["sqlite"].spec, want: menu(), file: lite, again: true}
	all["sqlite-file"] = reach{spec: kinds["sqlite"].spec, want: menu(), file: lite + "2", again: true}
	all["mdbtools"] = reach{spec: bundle.SourceSpec{Type: "odbc", Table: "tblEmployees", Map: kinds["access"].spec.Map}, want: kinds["access"].want, file: mdb, again: true}
	for name, l := range map[string]bundle.Location{"sqlite": {Type: "sqlite", Path: lite}, "sqlite-file": {Type: "file", Path: lite + "2"}, "mdbtools": {Type: "odbc", Driver: "MDBTools", Path: mdb}} {
		r := all[name]
		r.spec.Location = l
		all[name] = r
	}
	journey(t, all, nil)
}

// meeting is in every calendar.
func meeting() (m agendatest.Meeting, want []string) {
	start := time.Now().UTC().AddDate(0, 0, 1).Truncate(time.Hour)
	m = agendatest.Meeting{ID: "m1", Title: "Réunion & <bilan>", Start: start, End: start.Add(time.Hour), Place: "Salle 1"}
	return m, []string{m.Title + "|" + m.Place}
}

func TestEveryCalendarIsReached(t *testing.T) {
	t.Parallel()
	m, want := meeting()
	meetings, all := []agendatest.Meeting{m}, map[string]reach{}
	const room = "room@example.com"
	calendar := func(name string, spec bundle.SourceSpec, s secret.Secret, p *connecttest.Proxy) {
		spec.Type, _, _ = strings.Cut(name, "-")
		spec.Map = columns("title", "place")
		spec.Location.Type, spec.Location.Auth = "https", &bundle.Auth{Secret: name}
		if spec.Location.CA == "" {
			spec.Location.CA = "ca.pem"
		}
		if spec.Location.URL != "" {
			spec.Location.URL = fmt.Sprintf("https://127.0.0.1:%d", p.Port) + spec.Location.URL
			s.Hosts = []string{fmt.Sprint("127.0.0.1:", p.Port)}
		}
		all[name] = reach{spec: spec, secret: s, want: want, proxy: p, again: true}
	}

	dav := port(t, servers.radicale.Port)
	send(t, dav, "MKCALENDAR", "", `<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>room</D:displayname></D:prop></D:set></C:mkcalendar>`)
	send(t, dav, http.MethodPut, "one.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20270101T000000Z\r\nDTSTART:"+m.Start.Format("20060102T150405Z")+
		"\r\nDTEND:"+m.End.Format("20060102T150405Z")+"\r\nSUMMARY:"+m.Title+"\r\nLOCATION:"+m.Place+"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
	person := secret.Secret{User: "board", Domain: "CORP", Password: canary}
	calendar("caldav", bundle.SourceSpec{Calendar: "room", Location: bundle.Location{URL: "/"}}, person, dav)

	ews := (&agendatest.Exchange{User: "board", Domain: "CORP", Password: canary, Mailbox: room, Meetings: meetings}).Serve()
	t.Cleanup(ews.Close)
	exchange := must(servers.NewProxy(ews.Listener.Addr().String()))
	calendar("exchange", bundle.SourceSpec{Mailbox: room, Location: bundle.Location{URL: "/EWS/Exchange.asmx", CA: "exchange.pem"}}, person, exchange)
	files := map[string][]byte{"exchange.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ews.Certificate().Raw})}

	domino := secured(t, &agendatest.Domino{User: "board", Password: canary, File: "mail/room.nsf", Meetings: meetings})
	calendar("domino", bundle.SourceSpec{Calendar: "mail/room.nsf", Location: bundle.Location{URL: "/"}}, person, domino)

	// Microsoft's and Google's own hosts, through the proxy of the customer's network.
	away := func(hosts agendatest.Transport) (p *connecttest.Proxy, bound []string) {
		p = secured(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hosts[r.Host].ServeHTTP(w, r) }))
		for host := range maps.Keys(hosts) {
			servers.away.Store(net.JoinHostPort(host, "443"), fmt.Sprint("127.0.0.1:", p.Port))
			bound = append(bound, host)
		}
		return p, bound
	}
	graph, bound := away((&agendatest.Graph{Tenant: "contoso", Client: "app", Password: canary, Mailbox: room, Meetings: meetings}).Transport())
	calendar("graph", bundle.SourceSpec{Mailbox: room}, secret.Secret{Client: "app", Password: canary, Tenant: "contoso", Hosts: bound}, graph)
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	google, bound := away((&agendatest.Google{Account: "sign@project.example", Key: &key.PublicKey, Calendar: room, Meetings: meetings}).Transport())
	der := must(x509.MarshalPKCS8PrivateKey(key))
	calendar("google", bundle.SourceSpec{Calendar: room}, secret.Secret{User: "sign@project.example", Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), Hosts: bound}, google)
	journey(t, all, files)
}

// send writes into the calendar of Radicale.
func send(t *testing.T, p *connecttest.Proxy, method, name, body string) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(servers.ca.CA)
	req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("https://127.0.0.1:%d/board/room/%s", p.Port, name), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("board", canary)
	req.Header.Set("Content-Type", map[bool]string{true: "application/xml", false: "text/calendar"}[name == ""])
	res, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: time.Minute}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s", method, name, res.Status)
	}
}
