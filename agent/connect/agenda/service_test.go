package agenda_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/agenda"
	"vitrine/agent/connect/agenda/agendatest"
	"vitrine/agent/connect/connecttest"
	"vitrine/agent/secret"
)

const canary = "kanarienvogel-7"

func utc(day, hour int) time.Time { return time.Date(2027, 3, day, hour, 0, 0, 0, time.UTC) }

// meetings are what each service's calendar has: more than one of its pages.
func meetings() []agendatest.Meeting {
	all := []agendatest.Meeting{
		{ID: "m0", Title: "before", Start: utc(1, 1).AddDate(0, 0, -9), End: utc(1, 2).AddDate(0, 0, -9)},
		{ID: "m1", Title: "Réunion & <bilan>", Start: utc(1, 8), End: utc(1, 9), Place: "Salle 1", Organizer: "Ève"},
		{ID: "m2", Title: "whole", AllDay: true, Start: utc(2, 0), End: utc(4, 0)},
		{ID: "m3", Title: "gone", Start: utc(3, 8), End: utc(3, 9), Cancelled: true},
		{ID: "m4", Title: "private", Start: utc(4, 8), End: utc(4, 9), Private: true},
		{ID: "m5", Title: "perhaps", Start: utc(5, 8), End: utc(5, 9), Tentative: true},
		{ID: "m6", Title: "free", Start: utc(6, 8), End: utc(6, 9), Free: true},
	}
	for n := range 60 { // more than Domino's page
		all = append(all, agendatest.Meeting{ID: fmt.Sprint("n", n), Title: fmt.Sprint("n", n), Start: utc(7, 8).Add(time.Duration(n) * time.Hour), End: utc(7, 9).Add(time.Duration(n) * time.Hour)})
	}
	return append(all, agendatest.Meeting{ID: "z", Title: "after", Start: utc(1, 1).AddDate(0, 2, 0), End: utc(1, 2).AddDate(0, 2, 0)})
}

// written is what of the meetings a table must have, by the clock of Paris.
func written(t *testing.T) []string {
	var out []string
	for _, m := range meetings() {
		if m.Cancelled || m.Title == "before" || m.Title == "after" {
			continue
		}
		start, end := m.Start.In(paris(t)), m.End.In(paris(t))
		if m.AllDay {
			start, end = start.Add(-time.Hour), end.Add(-time.Hour)
		}
		out = append(out, fmt.Sprintf("%s|%s|%s|%v|%s|%v|%v|%v", m.Title, start.Format(time.RFC3339), end.Format(time.RFC3339), m.AllDay, m.Place, m.Free, m.Tentative, m.Private))
	}
	return out
}

func read(t *testing.T, a agenda.Agenda, w agenda.Window) ([]string, error) {
	t.Helper()
	events, dropped, err := a.Events(t.Context(), w, 4<<20)
	if len(dropped) > 0 {
		t.Errorf("dropped: %v", dropped)
	}
	table := agenda.Table(events, w, 1000)
	var out []string
	for _, r := range table.Rows {
		out = append(out, strings.Join([]string{r[0].Text, r[1].Text, r[2].Text, r[3].Text, r[4].Text, r[9].Text, r[10].Text, r[11].Text}, "|"))
	}
	return out, err
}

func month(t *testing.T) agenda.Window {
	return agenda.Window{From: utc(1, 0), To: utc(1, 0).AddDate(0, 1, 0), Zone: paris(t)}
}

// bound gives a secret to some hosts only.
func bound(s secret.Secret, hosts ...string) func(name, host string) (secret.Secret, error) {
	return func(name, host string) (secret.Secret, error) {
		if name != "calendar" || !slices.Contains(hosts, host) {
			return secret.Secret{}, fmt.Errorf("the secret %q may not go to %s", name, host)
		}
		return s, nil
	}
}

var microsoft, googles = []string{"login.microsoftonline.com:443", "graph.microsoft.com:443"}, []string{"oauth2.googleapis.com:443", "www.googleapis.com:443"}

func newGraph() *agendatest.Graph {
	return &agendatest.Graph{Tenant: "contoso", Client: "app", Password: canary, Mailbox: "room@example.com", Meetings: meetings()}
}

var application = secret.Secret{Client: "app", Password: canary, Tenant: "contoso"}

func newGoogle(t *testing.T) (*agendatest.Google, string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &agendatest.Google{Account: "sign@project.example", Key: &key.PublicKey, Client: "app", Password: canary, Refresh: canary + "r", APIKey: canary + "k",
		Calendar: "room@example.com", Meetings: meetings()}, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func authority(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func TestEveryServiceGivesItsCalendar(t *testing.T) {
	g, key := newGoogle(t)
	public, _ := newGoogle(t)
	public.Public = true
	x := &agendatest.Exchange{User: "sign", Domain: "CORP", Password: canary, Mailbox: "room@example.com", Meetings: meetings(), Most: 25}
	basic := &agendatest.Exchange{User: "sign", Domain: "CORP", Password: canary, Mailbox: "room@example.com", Meetings: meetings(), Basic: true}
	ews, old := x.Serve(), basic.Serve()
	defer ews.Close()
	defer old.Close()
	host := func(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "https://") }
	person := secret.Secret{User: "sign", Domain: "CORP", Password: canary}
	cases := map[string]struct {
		service agenda.Service
		env     agenda.Env
	}{
		"Exchange Online, through Graph": {agenda.Service{Type: "graph", Mailbox: "room@example.com"}, agenda.Env{Over: newGraph().Transport(), Secret: bound(application, microsoft...)}},
		"Google, a service account": {agenda.Service{Type: "google", Calendar: "room@example.com"},
			agenda.Env{Over: g.Transport(), Secret: bound(secret.Secret{User: "sign@project.example", Key: key}, googles...)}},
		"Google, what a person allowed": {agenda.Service{Type: "google", Calendar: "room@example.com"},
			agenda.Env{Over: g.Transport(), Secret: bound(secret.Secret{Client: "app", Password: canary, Token: canary + "r"}, googles...)}},
		"Google, a public calendar": {agenda.Service{Type: "google", Calendar: "room@example.com"},
			agenda.Env{Over: public.Transport(), Secret: bound(secret.Secret{Token: canary + "k"}, googles...)}},
		"Domino": {agenda.Service{Type: "domino", URL: "https://mail.example.com", Calendar: "mail/room.nsf"},
			agenda.Env{Over: agendatest.Transport{"mail.example.com": &agendatest.Domino{User: "sign", Password: canary, File: "mail/room.nsf", Meetings: meetings()}}, Secret: bound(person, "mail.example.com:443")}},
		"Exchange on premises, by NTLM": {agenda.Service{Type: "exchange", URL: ews.URL + "/EWS/Exchange.asmx", Mailbox: "room@example.com", CA: authority(ews)},
			agenda.Env{Secret: bound(person, host(ews))}},
		"Exchange on premises, by Basic": {agenda.Service{Type: "exchange", URL: old.URL + "/EWS/Exchange.asmx", Mailbox: "room@example.com", CA: authority(old)},
			agenda.Env{Secret: bound(person, host(old))}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.service.Secret = "calendar"
			a, err := agenda.Open(c.service, c.env)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time with what is remembered of the first
				got, err := read(t, a, month(t))
				if err != nil {
					t.Fatal(err)
				}
				if want := written(t); !slices.Equal(got, want) {
					for i := range max(len(got), len(want)) {
						if i >= len(got) || i >= len(want) || got[i] != want[i] {
							t.Fatalf("%d rows, want %d; row %d is\n\t%s, not\n\t%s", len(got), len(want), i, got[min(i, len(got)-1):][0], want[min(i, len(want)-1):][0])
						}
					}
				}
			}
		})
	}
}

func TestATokenThatIsTooOldIsReplaced(t *testing.T) {
	g := newGraph()
	a, err := agenda.Open(agenda.Service{Type: "graph", Mailbox: "room@example.com", Secret: "calendar"}, agenda.Env{Over: g.Transport(), Secret: bound(application, microsoft...)})
	if err != nil {
		t.Fatal(err)
	}
	for _, expire := range []bool{false, true} {
		g.Expire.Store(expire)
		if got, err := read(t, a, month(t)); err != nil || len(got) != len(written(t)) {
			t.Fatalf("%d rows, %v", len(got), err)
		}
	}
	if n := g.Signed.Load(); n != 2 {
		t.Errorf("%d tokens were asked for, want one and another", n)
	}
}

func TestWhatAServiceRefusesIsAReadableSentenceWithoutASecret(t *testing.T) {
	g, key := newGoogle(t)
	busy := newGraph()
	busy.Busy.Store(true)
	x := &agendatest.Exchange{User: "sign", Domain: "CORP", Password: canary, Mailbox: "room@example.com", Meetings: meetings()}
	ews := x.Serve()
	defer ews.Close()
	ewsHost := strings.TrimPrefix(ews.URL, "https://")
	with := func(change func(*secret.Secret), s secret.Secret) secret.Secret { change(&s); return s }
	person := secret.Secret{User: "sign", Domain: "CORP", Password: canary}
	domino := func(d agendatest.Domino) agendatest.Transport {
		d.User, d.Password, d.File = "sign", canary, "mail/room.nsf"
		return agendatest.Transport{"mail.example.com": &d}
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>captive portal") })
	away := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example/"+canary, http.StatusFound)
	})
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 5<<20)) })
	cases := map[string]struct {
		service agenda.Service
		over    agendatest.Transport
		secret  func(string, string) (secret.Secret, error)
		says    string
	}{
		"Graph, a wrong password":         {agenda.Service{Type: "graph", Mailbox: "room@example.com"}, newGraph().Transport(), bound(with(func(s *secret.Secret) { s.Password = canary + "x" }, application), microsoft...), "does not take the secret \"calendar\""},
		"Graph, another tenant":           {agenda.Service{Type: "graph", Mailbox: "room@example.com"}, newGraph().Transport(), bound(with(func(s *secret.Secret) { s.Tenant = "other" }, application), microsoft...), "Tenant not found"},
		"Graph, half a secret":            {agenda.Service{Type: "graph", Mailbox: "room@example.com"}, newGraph().Transport(), bound(with(func(s *secret.Secret) { s.Tenant = "" }, application), microsoft...), "needs all three"},
		"Graph, another mailbox":          {agenda.Service{Type: "graph", Mailbox: "boss@example.com"}, newGraph().Transport(), bound(application, microsoft...), "no such calendar"},
		"Graph, too often":                {agenda.Service{Type: "graph", Mailbox: "room@example.com"}, busy.Transport(), bound(application, microsoft...), "left alone for 17 s"},
		"Graph, a secret bound elsewhere": {agenda.Service{Type: "graph", Mailbox: "room@example.com"}, newGraph().Transport(), bound(application, "login.microsoftonline.com:443"), "may not go to graph.microsoft.com"},
		"Graph, an answer of another":     {agenda.Service{Type: "graph", Mailbox: "room@example.com"}, agendatest.Transport{"login.microsoftonline.com": newGraph().Transport()["login.microsoftonline.com"], "graph.microsoft.com": page}, bound(application, microsoft...), "what Microsoft Graph does not"},
		"Google, another key":             {agenda.Service{Type: "google", Calendar: "room@example.com"}, func() agendatest.Transport { o, _ := newGoogle(t); return o.Transport() }(), bound(secret.Secret{User: "sign@project.example", Key: key}, googles...), "Invalid JWT Signature"},
		"Google, a calendar not shared":   {agenda.Service{Type: "google", Calendar: "boss@example.com"}, g.Transport(), bound(secret.Secret{User: "sign@project.example", Key: key}, googles...), "no such calendar"},
		"Google, a revoked permission":    {agenda.Service{Type: "google", Calendar: "room@example.com"}, g.Transport(), bound(secret.Secret{Client: "app", Password: canary, Token: "old"}, googles...), "expired or revoked"},
		"Google, a wrong API key":         {agenda.Service{Type: "google", Calendar: "room@example.com"}, g.Transport(), bound(secret.Secret{Token: canary}, googles...), "API key not valid"},
		"Domino, a wrong password":        {agenda.Service{Type: "domino", URL: "https://mail.example.com", Calendar: "mail/room.nsf"}, domino(agendatest.Domino{}), bound(secret.Secret{User: "sign", Password: canary + "x"}, "mail.example.com:443"), "does not take the secret"},
		"Domino, its service off":         {agenda.Service{Type: "domino", URL: "https://mail.example.com", Calendar: "mail/other.nsf"}, domino(agendatest.Domino{}), bound(person, "mail.example.com:443"), "no such calendar"},
		"Domino, a page for a name":       {agenda.Service{Type: "domino", URL: "https://mail.example.com", Calendar: "mail/room.nsf"}, domino(agendatest.Domino{Form: true}), bound(person, "mail.example.com:443"), "takes basic authentication"},
		"Exchange, a wrong password":      {agenda.Service{Type: "exchange", URL: ews.URL + "/EWS/Exchange.asmx", CA: authority(ews)}, nil, bound(with(func(s *secret.Secret) { s.Password = canary + "x" }, person), ewsHost), "does not take the secret"},
		"Exchange, not shared":            {agenda.Service{Type: "exchange", URL: ews.URL + "/EWS/Exchange.asmx", Mailbox: "boss@example.com", CA: authority(ews)}, nil, bound(person, ewsHost), "ErrorAccessDenied"},
		"Exchange, no mailbox":            {agenda.Service{Type: "exchange", URL: ews.URL + "/EWS/Exchange.asmx", Mailbox: "boss", CA: authority(ews)}, nil, bound(person, ewsHost), "has no mailbox"},
		"Exchange, another address":       {agenda.Service{Type: "exchange", URL: ews.URL + "/owa", CA: authority(ews)}, nil, bound(person, ewsHost), "400"},
		"Exchange, an unknown authority":  {agenda.Service{Type: "exchange", URL: ews.URL + "/EWS/Exchange.asmx"}, nil, bound(person, ewsHost), "authority that this player does not know"},
		"CalDAV, a page":                  {agenda.Service{Type: "caldav", URL: "https://dav.example.com/cal"}, agendatest.Transport{"dav.example.com": page}, bound(person, "dav.example.com:443"), "does not speak CalDAV"},
		"CalDAV, sent elsewhere":          {agenda.Service{Type: "caldav", URL: "https://dav.example.com/cal"}, agendatest.Transport{"dav.example.com": away}, bound(person, "dav.example.com:443"), "sends the player to evil.example"},
		"CalDAV, without end":             {agenda.Service{Type: "caldav", URL: "https://dav.example.com/cal"}, agendatest.Transport{"dav.example.com": endless}, bound(person, "dav.example.com:443"), "longer than its limit"},
		"nobody there":                    {agenda.Service{Type: "caldav", URL: "https://dav.example.com/cal"}, agendatest.Transport{}, bound(person, "dav.example.com:443"), "no route"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.service.Secret = "calendar"
			env := agenda.Env{Secret: c.secret}
			if c.over != nil {
				env.Over = c.over
			}
			a, err := agenda.Open(c.service, env)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = a.Events(t.Context(), month(t), 4<<20)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("it says %v, want something of %q", err, c.says)
			}
			for _, form := range []string{"%v", "%+v", "%#v"} {
				if s := fmt.Sprintf(form, err); strings.Contains(s, canary) {
					t.Errorf("the secret is in %s", s)
				}
			}
		})
	}
}

func TestATokenThatAServerRepeatsIsTakenOutOfItsWord(t *testing.T) {
	token := ""
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error": {"code": "AccessDenied", "message": "%s may not read this"}}`, token)
	})
	over := agendatest.Transport{"login.microsoftonline.com": newGraph().Transport()["login.microsoftonline.com"], "graph.microsoft.com": echo}
	a, err := agenda.Open(agenda.Service{Type: "graph", Mailbox: "room@example.com", Secret: "calendar"}, agenda.Env{Over: over, Secret: bound(application, microsoft...)})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = a.Events(t.Context(), month(t), 4<<20); err == nil || token == "" || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "… may not read this") {
		t.Errorf("of the token %q it says %v", token, err)
	}
}

func TestAServiceThatNobodyCanAskIsRefusedAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		service agenda.Service
		says    string
	}{
		"plain http with a secret": {agenda.Service{Type: "caldav", URL: "http://dav.example.com", Secret: "s"}, "write https"},
		"a password in an address": {agenda.Service{Type: "caldav", URL: "https://a:b@dav.example.com"}, "name a secret instead"},
		"no address":               {agenda.Service{Type: "exchange"}, "does not begin with https://"},
		"no mailbox":               {agenda.Service{Type: "graph"}, "needs the mailbox"},
		"no mail file":             {agenda.Service{Type: "domino", URL: "https://mail.example.com"}, "needs the mail file"},
		"another type":             {agenda.Service{Type: "outlook", URL: "https://mail.example.com"}, "is not a calendar"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := agenda.Open(c.service, agenda.Env{}); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, want something of %q", err, c.says)
			}
		})
	}
}

func TestAServerThatStallsIsLeftAtTheDeadline(t *testing.T) {
	held := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-held:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(held)
	a, err := agenda.Open(agenda.Service{Type: "caldav", URL: s.URL}, agenda.Env{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := a.Events(ctx, month(t), 1<<20); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not answered in time") {
		t.Errorf("it says %v", err)
	}
}

// radicale starts a real CalDAV server with one account.
func radicale(t *testing.T) string {
	t.Helper()
	stage, err := connecttest.NewStage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stage.Close)
	p, err := stage.Radicale(nil, "sign", canary)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", p.Port)
}

func TestARealCalDAVServer(t *testing.T) {
	base := radicale(t)
	send := func(method, path, kind string, body []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("sign", canary)
		req.Header.Set("Content-Type", kind)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s", method, path, res.Status)
		}
	}
	send("MKCALENDAR", "/sign/room/", "application/xml", []byte(`<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>Salle Ève</D:displayname></D:prop></D:set></C:mkcalendar>`))
	put := func(uid string, lines ...string) {
		send(http.MethodPut, "/sign/room/"+uid+".ics", "text/calendar", []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n"+event(append([]string{"UID:" + uid, "DTSTAMP:20270101T000000Z"}, lines...)...)+"\r\nEND:VCALENDAR\r\n"))
	}
	put("one", "SUMMARY:Réunion", "DTSTART:20270301T080000Z", "DTEND:20270301T090000Z", "LOCATION:Salle 1")
	put("day", "SUMMARY:whole", "DTSTART;VALUE=DATE:20270302", "DTEND;VALUE=DATE:20270304")
	put("weekly", "SUMMARY:weekly", "DTSTART:20260105T080000Z", "DTEND:20260105T083000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO", "EXDATE:20270308T080000Z")
	put("past", "SUMMARY:past", "DTSTART:20260301T080000Z", "DTEND:20260301T090000Z")
	for name, service := range map[string]agenda.Service{
		"by its address":            {URL: base + "/sign/room/"},
		"by its name":               {URL: base + "/", Calendar: "Salle Ève"},
		"by the end of its address": {URL: base, Calendar: "room"},
	} {
		t.Run(name, func(t *testing.T) {
			service.Type, service.Secret = "caldav", "calendar"
			a, err := agenda.Open(service, agenda.Env{Plain: true, Secret: bound(secret.Secret{User: "sign", Password: canary}, strings.TrimPrefix(base, "http://"))})
			if err != nil {
				t.Fatal(err)
			}
			w := agenda.Window{From: utc(1, 0), To: utc(16, 0), Zone: paris(t)}
			events, dropped, err := a.Events(t.Context(), w, 1<<20)
			if err != nil || len(dropped) > 0 {
				t.Fatalf("%v, dropped %v", err, dropped)
			}
			if got, want := told(events, w), "weekly: 03-01T09:00 to 03-01T09:30; Réunion: 03-01T09:00 to 03-01T10:00; whole: 03-02T00:00 to 03-04T00:00; weekly: 03-15T09:00 to 03-15T09:30"; got != want {
				t.Errorf("it has\n\t%s, not\n\t%s", got, want)
			}
		})
	}
	for name, c := range map[string]struct {
		service agenda.Service
		secret  secret.Secret
		says    string
	}{
		"a wrong password":    {agenda.Service{URL: base + "/sign/room/"}, secret.Secret{User: "sign", Password: canary + "x"}, "does not take the secret"},
		"an unknown calendar": {agenda.Service{URL: base, Calendar: "other"}, secret.Secret{User: "sign", Password: canary}, `it has ["Salle Ève"]`},
	} {
		t.Run(name, func(t *testing.T) {
			c.service.Type, c.service.Secret = "caldav", "calendar"
			a, err := agenda.Open(c.service, agenda.Env{Plain: true, Secret: bound(c.secret, strings.TrimPrefix(base, "http://"))})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := a.Events(t.Context(), month(t), 1<<20); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), canary) {
				t.Errorf("it says %v, want something of %q", err, c.says)
			}
		})
	}
}
