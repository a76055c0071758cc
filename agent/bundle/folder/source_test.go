package folder_test

import (
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
)

// The example of the documentation, with every field of it.
const menus = `menus:
    type: delimited
    separator: ";"
    header: true
    charset: windows-1252
    locale: fr-FR
    location: {type: smb, host: files.example.lan, share: display, path: menus/week.csv, auth: {secret: smb-canteen}}
    refresh: {every: 5m, jitter: 20s, timeout: 20s, onChange: true}
    keep: {staleAfter: 15m, maxAge: 36h, whenExpired: hide}
    limits: {rows: 2000, bytes: 16MiB}
    map:
      - {name: day, from: Jour, type: date, format: "02/01/2006"}
      - {name: price, from: "Prix TTC", type: decimal}
      - {name: title, expr: "upper(plat)"}
    filter: "day == today()"
    sort: [{by: price}]
    limit: 12
    page: {rows: 6, every: 10s}`

func withSource(source string) string {
	return "id: x\nsources:\n  " + source + "\nscenes:\n  a:\n    for: 5s\n    zones: [{at: [0, 0, 9, 9], background: \"#000000\"}]\nfallback: [a]\n"
}

func TestTheExampleOfASourceIsReadWhole(t *testing.T) {
	f, err := folder.Load(folderOf(t, withSource(menus)))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Manifest.Sources["menus"]
	if s.Location.Share != "display" || s.Location.SecretName() != "smb-canteen" || s.Locale != "fr-FR" || time.Duration(s.Refresh.Jitter) != 20*time.Second || !s.Refresh.OnChange {
		t.Errorf("%+v", s)
	}
	if s.Limits.Bytes != 16<<20 || len(s.Map) != 3 || s.Map[1].From != "Prix TTC" || s.Map[2].Expr != "upper(plat)" || s.Filter != "day == today()" ||
		s.Sort[0] != (bundle.SortKey{By: "price"}) || s.Limit != 12 || s.Page.Rows != 6 {
		t.Errorf("%+v", s)
	}
	m := f.Manifest
	m.Customer, m.Seq, m.Root, m.Issued = "c", 1, 1, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := m.Validate(); err != nil {
		t.Errorf("a player refuses it: %v", err)
	}
}

// Every type at a place where it can be; a player takes what the folder takes.
func TestEveryTypeOfSourceCanBeWritten(t *testing.T) {
	for _, source := range []string{
		`a: {type: text, location: {type: bundle, path: data/news.txt}}`,
		`a: {type: text, location: {type: https, url: "https://example.com/x", secret: old}}`,
		`a: {type: lines-with-dates, separator: " - ", location: {type: file, path: /srv/calendar.txt}}`,
		`a: {type: rtf, location: {type: webdav, url: "https://dav.example.lan/x.rtf", auth: {secret: dav}}}`,
		`a: {type: xlsx, sheet: 2, range: "A3:F40", headerRow: 2, cells: shown, location: {type: nfs, path: /mnt/nas/plan.xlsx}}`,
		`a: {type: xls, sheet: Plan, location: {type: sftp, host: files, hostKey: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", path: a.xls, auth: {secret: ssh}}}`,
		`a: {type: ods, range: prices, location: {type: file, path: /srv/a.ods}}`,
		`a: {type: feed, location: {type: https, url: "https://example.com/feed", hosts: [www.example.com]}}`,
		`a: {type: xml, xpath: "//*[local-name()='entry']", location: {type: file, path: /srv/a.xml}}`,
		`a: {type: xml, xpath: "//g:stop[@xml:lang='fr']", namespaces: {g: "http://www.georss.org/georss"}, location: {type: file, path: /srv/a.xml}}`,
		`a: {type: json, query: ".features[] | .properties", location: {type: https, url: "https://example.com/x.json", auth: {secret: key, scheme: bearer}}}`,
		`a: {type: access, table: Menu, location: {type: smb, host: h, share: s, path: menu.accdb, auth: {secret: x}}}`,
		`a: {type: sql, sql: "select * from menu", location: {type: postgresql, host: db, database: canteen, tls: verify, auth: {secret: db}}}`,
		`a: {type: sql, sql: "select * from menu", location: {type: sqlite, path: /srv/a.db}}`,
		`a: {type: sql, sql: "select * from menu", location: {type: smb, host: h, share: s, path: menu.db, auth: {secret: x}}}`,
		`a: {type: access, sql: "select * from Menu", location: {type: https, url: "https://example.com/menu.mdb"}}`,
		`a: {type: odbc, table: menu, location: {type: odbc, driver: MariaDB, options: {Server: db}, auth: {secret: db}}}`,
		`a: {type: ical, window: {before: 1h, after: 48h}, location: {type: https, url: "https://example.com/a.ics"}}`,
		`a: {type: caldav, calendar: rooms, location: {type: https, url: "https://dav.example.com/", auth: {secret: x}}}`,
		`a: {type: exchange, mailbox: room@example.com, location: {type: https, url: "https://mail.example.com/EWS/Exchange.asmx", auth: {secret: x}}}`,
		`a: {type: graph, mailbox: room@example.com, location: {type: https, url: "https://graph.microsoft.com", auth: {secret: x}}}`,
		`a: {type: google, calendar: primary, location: {type: https, auth: {secret: x}}}`,
		`a: {type: domino, calendar: mail/room.nsf, location: {type: https, url: "https://notes.example.com", auth: {secret: x}}}`,
		`a: {type: folder, pattern: "*.jpg", depth: 2, location: {type: smb, host: h, share: s, auth: {secret: x}}}`,
		`a: {type: gtfs, stops: ["Gare Centrale"], routes: ["12"], location: {type: https, url: "https://example.com/gtfs.zip"}}`,
		`a: {type: json, sort: [price, {by: name, descending: true}], pictures: {columns: [photo], hosts: [img.example.com], bytes: 2MiB}, location: {type: file, path: /x}}`,
	} {
		if strings.Contains(source, "type: folder") {
			source = strings.Replace(source, "share: s,", "share: s, path: photos,", 1)
		}
		f, err := folder.Load(folderOf(t, withSource(source)))
		if err != nil {
			t.Errorf("%s\n\t%v", source, err)
			continue
		}
		m := f.Manifest
		m.Customer, m.Seq, m.Root, m.Issued = "c", 1, 1, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		m.Files = map[string]bundle.Digest{"data/news.txt": bundle.DigestOf(nil)}
		if err := m.Validate(); err != nil && strings.Contains(err.Error(), "source") {
			t.Errorf("%s\n\ta player refuses it: %v", source, err)
		}
	}
}

func TestEveryFaultOfASourceHasItsPlaceAndARemedy(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"a field is another type's": {`a: {type: text, sheet: Plan, location: {type: file, path: /x}}`,
			`3:19: a source of type text has no sheet; take it out, or write type: xlsx, xls, ods`},
		"a type cannot be there": {`a: {type: odbc, sql: select 1, location: {type: smb, host: h, share: s, path: p}}`,
			`3:51: a source of type odbc cannot be at a location of type smb; write odbc`},
		"a location needs more": {`a: {type: text, location: {type: smb, share: s, path: p}}`,
			`3:29: the location has no host; write host: with the server's name`},
		"a location has what is another's": {`a: {type: text, location: {type: file, url: "https://x/y"}}`,
			"3:29: the location has no path; write path: with the file\nbundle.yaml:3:42: a location of type file has no url; write path: instead"},
		"a database is not asked": {`a: {type: sql, location: {type: sqlite, path: /x}}`,
			`3:3: nothing says which rows of the database are wanted; write sql: SELECT … in it`},
		"a database is written to": {`a: {type: sql, sql: "delete from menu", location: {type: sqlite, path: /x}}`,
			`3:23: a source only reads; write a SELECT`},
		"a password is in the bundle": {`a: {type: odbc, table: t, location: {type: odbc, dsn: x, options: {PWD: hunter2}}}`,
			`3:70: everyone with the bundle could read this; take it out and write auth: {secret: …} with the name of a secret that the player holds`},
		"a key to sort by is misspelt": {`a: {type: text, map: [{name: title, from: text}], sort: [{by: titel}], location: {type: file, path: /x}}`,
			`3:65: the map has no column "titel"; write title`},
		"a column is there twice": {`a: {type: text, map: [{name: a, from: text}, {name: a, from: text}], location: {type: file, path: /x}}`,
			`3:55: the column "a" is there twice; give it another name`},
		"a format is another program's": {`a: {type: text, map: [{name: d, from: text, type: date, format: dd/mm/yyyy}], location: {type: file, path: /x}}`,
			`3:67: the format "dd/mm/yyyy" is the same for every time; write how 2 January 2006, 15:04:05 would stand in the source, such as "02/01/2006"`},
		"a locale is a word": {`a: {type: text, locale: français, location: {type: file, path: /x}}`,
			`3:27: "français" is not as it must be; write a language such as fr-FR or en-GB`},
		"a filter calls what is not there": {`a: {type: text, filter: "uper(text) == 1", location: {type: file, path: /x}}`,
			`3:27: there is no function uper; there are abs, ceil, clock, contains, date, day, days, first, floor, format, hour, hours, left, len, lower, max, min, minute, minutes, month, now, number, replace, round, text, today, trim, upper, weekday, year; write an expression over columns, such as day == today() and price < 10, upper(title), col("Prix TTC") * 2`},
		"a computed column is cut off": {`a: {type: text, map: [{name: x, expr: "text +"}], location: {type: file, path: /x}}`,
			`3:41: unexpected token EOF (column 6 of the expression); write an expression over columns, such as day == today() and price < 10, upper(title), col("Prix TTC") * 2`},
		"a jq program is cut off": {`a: {type: json, query: ".items[", location: {type: file, path: /x}}`,
			`3:26: its jq query ".items[" cannot be understood: unexpected EOF; write a jq program such as .items[] | {title, price}`},
		"an XPath is cut off": {`a: {type: xml, xpath: "//item[", location: {type: file, path: /x}}`,
			`3:25: its XPath "//item[" cannot be understood`},
		"a prefix is bound to nothing": {`a: {type: xml, xpath: "//h:item", namespaces: {g: "urn:g"}, location: {type: file, path: /x}}`,
			`3:25: its XPath "//h:item" cannot be understood: prefix h not defined; write an XPath such as //item`},
		"a prefix is no name": {`a: {type: xml, xpath: "//item", namespaces: {"g:h": "urn:g"}, location: {type: file, path: /x}}`,
			`3:48: "g:h" cannot be a prefix; write a name of letters, digits, "_" or "-" other than xml, such as g`},
		"namespaces without an XPath": {`a: {type: xml, namespaces: {g: "urn:g"}, location: {type: file, path: /x}}`,
			`3:18: no xpath uses the namespaces; write xpath: with their prefixes, such as //g:stop, or take them out`},
		"the prefix xml is bound": {`a: {type: xml, xpath: "//item", namespaces: {xml: "urn:g"}, location: {type: file, path: /x}}`,
			`3:48: "xml" cannot be a prefix; write a name of letters, digits, "_" or "-" other than xml, such as g`},
		"namespaces of a source of another type": {`a: {type: json, namespaces: {g: "urn:g"}, location: {type: file, path: /x}}`,
			`3:19: a source of type json has no namespaces; take it out, or write type: xml`},
		"a source's name has a space": {`"a b": {type: text, location: {type: file, path: /x}}`,
			`3:3: "a b" cannot be a name; write 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit`},
		"a locale is no language": {`a: {type: text, locale: qq-ZZZZZZZZZ, location: {type: file, path: /x}}`,
			`3:27: "qq-ZZZZZZZZZ" is not as it must be; write a language such as fr-FR or en-GB`},
		"departures of no stop": {`a: {type: gtfs, location: {type: file, path: /x}}`,
			`3:3: nothing says whose departures are wanted; write stops: with the stop's name or identifier in it`},
		"a column's field is misspelt": {`a: {type: text, map: [{name: a, form: text}], location: {type: file, path: /x}}`,
			`3:35: unknown field "form" in a column of the map; write "from"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := folder.Load(folderOf(t, withSource(c.source)))
			if err == nil || !strings.HasPrefix(err.Error(), "bundle.yaml:"+c.want) {
				t.Errorf("\n got %v\nwant bundle.yaml:%s", err, c.want)
			}
		})
	}
}
