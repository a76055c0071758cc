package database_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/connecttest"
	"vitrine/agent/connect/database"
	"vitrine/agent/connect/database/tdstest"
)

// boards is what the fake SQL Server knows.
var boards = map[string]tdstest.Table{
	"SELECT * FROM every": {
		Columns: []tdstest.Column{{Name: "id", Type: "int"}, {Name: "big", Type: "bigint"}, {Name: "yes", Type: "bit"}, {Name: "exact", Type: "decimal", Scale: 10}, {Name: "price", Type: "money"}, {Name: "r", Type: "real"}, {Name: "f", Type: "float"},
			{Name: "day", Type: "date"}, {Name: "clock", Type: "time", Scale: 7}, {Name: "at", Type: "datetime"}, {Name: "at2", Type: "datetime2", Scale: 3}, {Name: "moment", Type: "datetimeoffset", Scale: 0}, {Name: "id2", Type: "uniqueidentifier"},
			{Name: "label", Type: "nvarchar"}, {Name: "body", Type: "nvarchar(max)"}, {Name: "fr", Type: "varchar", Collation: tdstest.French}, {Name: "ru", Type: "varchar", Collation: tdstest.Russian}, {Name: "jp", Type: "varchar", Collation: tdstest.Japanese}, {Name: "bytes", Type: "varbinary"}, {Name: "doc", Type: "xml"}},
		Rows: [][]any{
			{"-7", "9223372036854775807", "1", "-12345678901234567890.1234567890", "12.3400", "0.1", "1e20", "2026-12-24", "18:05:00.1234567", "2026-12-24 18:05:00.003", "1001-02-03 04:05:06.789", "2026-12-24 18:05:00 +05:30", "6F9619FF-8B86-D011-B42D-00C04FC964FF",
				"é€😀", strings.Repeat("déjà ", 2000), "caf\xe9 \x80", "\xcf\xf0\xe8\xe2\xe5\xf2", "\x93\xfa\x96\x7b", "\x00\xff", "<a>é</a>"},
			{nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil},
			{"0", "0", "0", "0.1", "-0.0001", "-1.5", "0", "0001-01-01", "00:00:00", "1753-01-01 00:00:00", "9999-12-31 23:59:59.999", "0001-01-02 00:00:00 -08:00", "00000000-0000-0000-0000-000000000001", "", "", "", "", "", "", ""},
		}},
	"SELECT * FROM many":          {Columns: []tdstest.Column{{Name: "n", Type: "nvarchar"}}, Rows: [][]any{{strings.Repeat("x", 1000)}}, Repeat: 1999},
	"SELECT * FROM one":           {Columns: []tdstest.Column{{Name: "n", Type: "int"}}, Rows: [][]any{{"1"}}},
	"EXEC board '2026-12-24'":     {Columns: []tdstest.Column{{Name: "n", Type: "int"}}, Rows: [][]any{{"1"}}},
	"SELECT * FROM without_names": {Columns: []tdstest.Column{{Type: "int"}, {Type: "int"}}, Rows: [][]any{{"1", "2"}}},
}

func startSQLServer(t *testing.T, force, plain bool) (*tdstest.Server, *connecttest.Proxy) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(servers.ca.Cert, servers.ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := tdstest.Config{User: "board", Password: canary, Database: "menus", Force: force, Answers: boards, TLS: &tls.Config{Certificates: []tls.Certificate{pair}}}
	if plain {
		cfg.TLS = nil
	}
	s, err := tdstest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p, err := servers.NewProxy(net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func onSQLServer(port int, query string) database.Spec {
	return database.Spec{Driver: "sqlserver", Host: "127.0.0.1", Port: port, Database: "menus", CA: servers.ca.CA, Secret: "db", Query: query}
}

func TestSQLServerGivesEveryType(t *testing.T) {
	t.Parallel()
	_, p := startSQLServer(t, true, false)
	table := ask(t, onSQLServer(p.Port, "SELECT * FROM every;"), database.Limits{})
	want := [][]string{
		{"decimal -7", "decimal 9223372036854775807", "bool true", "decimal -12345678901234567890.1234567890", "decimal 12.3400", "decimal 0.1", "decimal 1e+20", "date 2026-12-24", "time 18:05:00.1234567", "datetime 2026-12-24T18:05:00.003", "datetime 1001-02-03T04:05:06.789", "datetime 2026-12-24T18:05:00+05:30", "text 6F9619FF-8B86-D011-B42D-00C04FC964FF",
			"text é€😀", "text " + strings.Repeat("déjà ", 2000), "text café €", "text Привет", "text 日本", "text 00ff", "text <a>é</a>"},
		{"null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null ", "null "},
		{"decimal 0", "decimal 0", "bool false", "decimal 0.1000000000", "decimal -0.0001", "decimal -1.5", "decimal 0", "date 0001-01-01", "time 00:00:00", "datetime 1753-01-01T00:00:00", "datetime 9999-12-31T23:59:59.999", "datetime 0001-01-02T00:00:00-08:00", "text 00000000-0000-0000-0000-000000000001", "text ", "text ", "text ", "text ", "text ", "text ", "text "},
	}
	if len(table.Rows) != len(want) {
		t.Fatalf("%d rows", len(table.Rows))
	}
	for i, row := range want {
		for c, cell := range row {
			if v := table.Rows[i][c]; string(v.Kind)+" "+v.Text != cell {
				t.Errorf("row %d, %s: %.90q, not %.90q", i+1, table.Columns[c], string(v.Kind)+" "+v.Text, cell)
			}
		}
	}
	if table := ask(t, onSQLServer(p.Port, "SELECT * FROM many"), database.Limits{Rows: 10}); len(table.Rows) != 10 || !table.Truncated {
		t.Errorf("%d rows, truncated %v", len(table.Rows), table.Truncated)
	}
	if table := ask(t, onSQLServer(p.Port, "EXEC board $today"), database.Limits{}); len(table.Rows) != 1 {
		t.Errorf("%d rows of a procedure", len(table.Rows))
	}
	if table := ask(t, onSQLServer(p.Port, "SELECT * FROM without_names"), database.Limits{}); fmt.Sprint(table.Columns) != "[c1 c2]" {
		t.Error(table.Columns)
	}
}

func TestWhatSQLServerRefusesIsSaid(t *testing.T) {
	t.Parallel()
	forced, p := startSQLServer(t, true, false)
	_, plain := startSQLServer(t, false, true)
	one := onSQLServer(p.Port, "SELECT * FROM one")
	wrong := env()
	wrong.Secret = vault("board", "wrong-"+canary)
	cases := []struct {
		name   string
		spec   database.Spec
		env    database.Env
		limits database.Limits
		says   string
	}{
		{"a wrong password", one, wrong, database.Limits{}, `refuses the secret "db"`},
		{"a database that is not there", with(one, func(s *database.Spec) { s.Database = "gone" }), env(), database.Limits{}, "gone"},
		{"a table that is not there", with(one, func(s *database.Spec) { s.Query = "SELECT * FROM gone" }), env(), database.Limits{}, "Invalid object name"},
		{"a certificate of nobody", with(one, func(s *database.Spec) { s.CA = nil }), env(), database.Limits{}, "authority that this player does not know"},
		{"no encryption where it is forced", with(one, func(s *database.Spec) { s.TLS = "off" }), env(), database.Limits{}, "certificate"},
		{"a server that cannot encrypt", with(one, func(s *database.Spec) { s.Port = plain.Port }), env(), database.Limits{}, "does not encrypt"},
		{"too many bytes", with(one, func(s *database.Spec) { s.Query = "SELECT * FROM many" }), env(), database.Limits{Bytes: 100_000, Rows: 100_000}, "longer than its limit"},
		{"nothing listens", with(one, func(s *database.Spec) { s.Port = 1 }), env(), database.Limits{}, "nothing answers at 127.0.0.1:1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fails(t, t.Context(), c.spec, c.env, c.limits, c.says)
		})
	}
	_, before := forced.Asked()
	ask(t, with(one, func(s *database.Spec) { s.TLS, s.CA = "required", nil }), database.Limits{})
	ask(t, with(one, func(s *database.Spec) { s.TLS, s.Port = "off", plain.Port }), database.Limits{})
	if _, logins := forced.Asked(); logins != before+1 || before == 0 {
		t.Errorf("%d logins, before %d", logins, before)
	}
}

func TestASQLServerThatFailsInTheMiddleOfAnAnswer(t *testing.T) {
	t.Parallel()
	_, p := startSQLServer(t, true, false)
	spec := onSQLServer(p.Port, "SELECT * FROM many")
	for how, says := range map[int32]string{connecttest.Stall: "did not answer in time", connecttest.Reset: "broke off", connecttest.Cut: "broke off"} {
		for _, after := range []int64{0, 60, 3000, 1_000_000} {
			t.Run(fmt.Sprintf("in way %d after %d bytes", how, after), func(t *testing.T) {
				p.Fail(how, after)
				d := 4 * time.Minute
				if how == connecttest.Stall {
					d = 500 * time.Millisecond
				}
				fails(t, within(t, d), spec, env(), database.Limits{Bytes: 100 << 20}, says)
			})
		}
	}
}

// The fake refuses what is no client, and lets no password through in the clear.
func TestTheFakeSQLServerRefusesWhatTheRealOneDoes(t *testing.T) {
	t.Parallel()
	s, _ := startSQLServer(t, true, false)
	for name, first := range map[string][]byte{
		"a login without a prelogin":   append([]byte{0x10, 1, 0, 108, 0, 0, 1, 0}, make([]byte, 100)...),
		"a query without a login":      {0x01, 1, 0, 10, 0, 0, 1, 0, 'S', 0},
		"a prelogin without its words": {0x12, 1, 0, 9, 0, 0, 1, 0, 0xFF},
		"HTTP":                         []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := conn.Write(first); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 100)); err == nil || os.IsTimeout(err) {
			t.Errorf("%s is answered with %d bytes: %v", name, n, err)
		}
		conn.Close()
	}
}
