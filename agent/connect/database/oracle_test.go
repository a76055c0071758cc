package database_test

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/database"
	"vitrine/agent/connect/rows"
)

// same says whether a value is what a database's own program shows.
func same(t *testing.T, v rows.Value, shown string) bool {
	t.Helper()
	switch v.Kind {
	case rows.Bool:
		return v.Text == map[string]string{"t": "true", "f": "false", "1": "true", "0": "false"}[shown]
	case rows.DateTime:
		if at, err := time.Parse(time.RFC3339, v.Text); err == nil { // an instant
			for _, layout := range []string{"2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07:00:00", "2006-01-02 15:04:05"} {
				if want, err := time.ParseInLocation(layout, shown, time.FixedZone("", 3600)); err == nil {
					return at.Equal(want)
				}
			}
			return false
		}
		got, err1 := time.Parse("2006-01-02T15:04:05", v.Text)
		want, err2 := time.Parse("2006-01-02 15:04:05", shown)
		return err1 == nil && err2 == nil && got.Equal(want)
	case rows.Time:
		got, err1 := time.Parse("15:04:05", v.Text)
		want, err2 := time.Parse("15:04:05", shown)
		return err1 == nil && err2 == nil && got.Equal(want)
	}
	return v.Text == shown
}

// sameNumber is for floats, whose digits programs write in their own way.
func sameNumber(v rows.Value, shown string) bool {
	got, ok1 := new(big.Float).SetString(v.Text)
	want, ok2 := new(big.Float).SetString(shown)
	if v.Kind != rows.Decimal || !ok1 || !ok2 {
		return false
	}
	a, _ := got.Float64()
	b, _ := want.Float64()
	return a == b || float32(a) == float32(b)
}

// Every type of PostgreSQL that a board can show, and values that are easily got wrong.
const postgresTable = `
DROP TABLE IF EXISTS every; SET timezone = 'UTC'; SELECT setseed(0.7);
CREATE TABLE every (id int PRIMARY KEY, small smallint, big bigint, exact numeric, money2 numeric(12,2), r real, d double precision, b boolean, day date,
 clock time, at timestamp, moment timestamptz, label text, fixed char(5), id2 uuid, doc jsonb, doc2 json, bytes bytea, list int[], span interval, addr inet, cash money, bits bit(4), kind name, zoned timetz);
INSERT INTO every SELECT i, (random()*60000-30000)::int, (random()*9e18)::bigint, (random()*1e9)::numeric * (10::numeric ^ ((random()*40)::int - 20)), (random()*1e6)::numeric(12,2),
 (random()*1e5)::real, random()*1e10, random() < 0.5, date '1900-01-01' + (random()*60000)::int, time '00:00' + random()*interval '23:59:59', timestamp '1970-01-01' + random()*interval '60 years',
 timestamptz '1911-01-01' + random()*interval '140 years', repeat(chr(33 + (random()*5000)::int % 50000), (random()*30)::int) || 'é€😀', 'ab', gen_random_uuid(), jsonb_build_object('n', i, 't', 'x"y'), '{"a": [1,  2]}', decode(md5(i::text), 'hex'),
 array[i, null, 3], random()*interval '100 days', '192.168.1.0/24', (random()*1000)::numeric::money, B'1010', 'name', '12:34:56.7+05:30' FROM generate_series(1, 500) i;
INSERT INTO every (id) VALUES (1001);
INSERT INTO every (id, exact, r, d, day, at, moment, label, clock) VALUES
 (1002, 'NaN', 'Infinity', '-Infinity', 'infinity', '-infinity', 'infinity', '', '24:00'), (1003, 12345678901234567890.12345678901234567890, 1e-20, 1e300, '0044-03-15 BC', '0044-03-15 12:00 BC', '0044-03-15 12:00 BC', E'tab\tline\nquote''"\\', '00:00'),
 (1004, 0.10, -0.0, 0.1, '9999-12-31', '9999-12-31 23:59:59.999999', '1890-05-05 12:00:00', 'null', '23:59:59.999999'), (1005, 1e20, 16777217, 123456789012345680, '0001-01-01', '0001-01-01', '2026-03-29 01:30:00', 'x', '00:00:00.000001');
`

func TestPostgresGivesWhatPsqlShows(t *testing.T) {
	t.Parallel()
	if _, err := servers.postgres.Ask(postgresTable); err != nil {
		t.Fatal(err)
	}
	table := ask(t, onPostgres("SELECT * FROM every ORDER BY id"), database.Limits{})
	shown, err := servers.postgres.Ask("SELECT * FROM every ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(shown, "\n"), "\x1e")
	if len(table.Rows) != len(want) || len(want) != 505 {
		t.Fatalf("%d rows, psql shows %d", len(table.Rows), len(want))
	}
	kinds := map[string]rows.Kind{"small": rows.Decimal, "exact": rows.Decimal, "d": rows.Decimal, "b": rows.Bool, "day": rows.Date, "clock": rows.Time,
		"at": rows.DateTime, "moment": rows.DateTime, "label": rows.Text, "doc": rows.Text, "bytes": rows.Text}
	for i, line := range want {
		for c, cell := range strings.Split(line, "\x1f") {
			v, name := table.Rows[i][c], table.Columns[c]
			switch {
			case cell == `\N` && v.Kind == rows.Null:
			case cell == `\N` || !same(t, v, cell):
				t.Errorf("row %d, %s: %+v, psql shows %q", i+1, name, v, cell)
			case i < 500 && kinds[name] != "" && v.Kind != kinds[name]:
				t.Errorf("row %d, %s: %+v is not of the kind %s", i+1, name, v, kinds[name])
			}
		}
	}
}

const mariaTable = `
DROP TABLE IF EXISTS every;
CREATE TABLE every (id int PRIMARY KEY, tiny tinyint, u bigint unsigned, exact decimal(40,20), price decimal(12,2), f float, d double, yes boolean, day date, clock time(6), at datetime(6), moment timestamp(3) NULL,
 label varchar(200), fixed char(5), body text, doc json, id2 uuid, bytes varbinary(20), blobs longblob, y year, choice enum('a','b'), some set('x','y'), bits bit(10), addr inet6) CHARACTER SET utf8mb4;
INSERT INTO every SELECT seq, rand(seq)*250-125, floor(rand(seq+1)*1.8e19), (rand(seq+2)-0.5)*1e18, rand(seq)*1e6, rand(seq)*1e5, (rand(seq)-0.5)*1e12, seq%2, '1900-01-01' + interval floor(rand(seq)*60000) day, sec_to_time(rand(seq)*86399),
 '1971-01-01' + interval rand(seq+3)*1e9 second, from_unixtime(1 + floor(rand(seq)*2e9)), concat(convert(char(0x4e00 + seq using ucs2) using utf8mb4), 'é€😀 ', repeat('x', seq%20)), 'ab', repeat('texte ', seq%50), json_object('n', seq), uuid(), unhex(md5(seq)), unhex(sha2(seq, 512)),
 1950 + seq%100, elt(1+seq%2,'a','b'), 'x,y', seq%1024, '2001:db8::1' FROM seq_1_to_500;
INSERT INTO every (id) VALUES (1001);
SET sql_mode='';
INSERT INTO every (id, u, exact, f, d, day, at, clock, label, bytes) VALUES (1002, 18446744073709551615, 0.10, 1e-20, 1e300, '0000-00-00', '0000-00-00 00:00:00', '-838:59:59', '', ''), (1003, 0, -99999999999999999999.99999999999999999999, -0.0, 0.1, '9999-12-31', '9999-12-31 23:59:59.999999', '838:59:59', 'quote''"', 0x00ff), (1004, 1, 1, 16777216, 123456789012345680, '1000-01-01', '1000-01-01 00:00:00', '00:00:00.000001', 'NUL', 0x5c);
`

func TestMariaDBGivesWhatItsProgramShows(t *testing.T) {
	t.Parallel()
	if _, err := servers.mariadb.Ask(mariaTable); err != nil {
		t.Fatal(err)
	}
	table := ask(t, onMariaDB("SELECT * FROM every ORDER BY id;"), database.Limits{})
	shown, err := servers.mariadb.Ask("SELECT * FROM every ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	compareMaria(t, table, shown, 504)
}

func compareMaria(t *testing.T, table rows.Table, shown string, count int) {
	t.Helper()
	want := strings.Split(strings.TrimSuffix(shown, "\n"), "\n")
	if len(table.Rows) != len(want) || len(want) != count {
		t.Fatalf("%d rows, mariadb shows %d", len(table.Rows), len(want))
	}
	for i, line := range want {
		for c, cell := range strings.Split(line, "\t") {
			v, name := table.Rows[i][c], table.Columns[c]
			ok := same(t, v, cell)
			switch {
			case cell == "NULL":
				ok = v.Kind == rows.Null
			case name == "bits" && cell == "0x": // how it shows none
				ok = v.Kind == rows.Null
			case name == "bits": // it shows bytes
				n, err := strconv.ParseUint(strings.TrimPrefix(cell, "0x"), 16, 64)
				ok = err == nil && v.Text == strconv.FormatUint(n, 10)
			case name == "bytes" || name == "blobs":
				ok = strings.EqualFold("0x"+v.Text, cell)
			case name == "f" || name == "d":
				ok = sameNumber(v, cell)
			}
			if !ok {
				t.Errorf("row %d, %s: %+v, mariadb shows %q", i+1, name, v, cell)
			}
		}
	}
}

func TestAFloatIsAsShortAsItCanBeTold(t *testing.T) {
	t.Parallel()
	table := ask(t, onMariaDB("SELECT cast(0.1 AS double) a, 1e0 b, 1234567.5e0 c, 1e20 d, 1e-9 e"), database.Limits{})
	if got := fmt.Sprint(table.Rows[0]); got != "[{decimal 0.1} {decimal 1} {decimal 1234567.5} {decimal 1e+20} {decimal 1e-09}]" {
		t.Error(got)
	}
}
