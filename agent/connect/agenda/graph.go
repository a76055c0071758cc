package agenda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"vitrine/agent/connect/rows"
)

// mostPages bounds how long a server may say that there is more.
const mostPages = 100

// graph asks Exchange Online through Microsoft Graph, calendarView: single times, rules followed by the server. The player
// is an application of the customer's tenant with Calendars.Read (client credentials); its secret is bound to both hosts.
type graph struct {
	*caller
	token *oauth2.Token
}

// login is where an application of each of Microsoft's clouds proves itself.
var login = map[string]string{"graph.microsoft.com": "login.microsoftonline.com", "graph.microsoft.us": "login.microsoftonline.us",
	"dod-graph.microsoft.us": "login.microsoftonline.us", "microsoftgraph.chinacloudapi.cn": "login.partner.microsoftonline.cn"}

type graphEvent struct {
	ID          string    `json:"id"`
	UID         string    `json:"iCalUId"`
	Subject     string    `json:"subject"`
	Preview     string    `json:"bodyPreview"`
	Start       graphTime `json:"start"`
	End         graphTime `json:"end"`
	AllDay      bool      `json:"isAllDay"`
	Cancelled   bool      `json:"isCancelled"`
	ShowAs      string    `json:"showAs"`
	Sensitivity string    `json:"sensitivity"`
	Categories  []string  `json:"categories"`
	Link        string    `json:"webLink"`
	Location    struct {
		DisplayName string `json:"displayName"`
	} `json:"location"`
	Organizer struct {
		EmailAddress struct{ Name, Address string } `json:"emailAddress"`
	} `json:"organizer"`
}

type graphTime struct {
	DateTime string `json:"dateTime"`
	TimeZone string `json:"timeZone"`
}

// Events implements Agenda.
func (g *graph) Events(ctx context.Context, w Window, limit int64) ([]Event, []rows.Drop, error) {
	u := *g.base
	path := "/v1.0/users/" + url.PathEscape(g.Mailbox)
	if g.Calendar != "" {
		path += "/calendars/" + url.PathEscape(g.Calendar)
	}
	raw := strings.TrimSuffix(u.EscapedPath(), "/") + path + "/calendarView"
	u.RawPath = raw
	u.Path, _ = url.PathUnescape(raw)
	u.RawQuery = url.Values{"startDateTime": {w.From.UTC().Format(time.RFC3339)}, "endDateTime": {w.To.UTC().Format(time.RFC3339)}, "$top": {"100"},
		"$select": {"id,iCalUId,subject,bodyPreview,start,end,isAllDay,isCancelled,showAs,sensitivity,categories,webLink,location,organizer"}}.Encode()
	next := &u
	var out []Event
	var told rows.Table
	for range mostPages {
		a, err := g.authorized(ctx, next, limit)
		if err != nil {
			return nil, nil, err
		}
		var page struct {
			Value []graphEvent `json:"value"`
			Next  string       `json:"@odata.nextLink"`
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			return nil, nil, fmt.Errorf("%s answered what Microsoft Graph does not", g.base.Host)
		}
		for _, e := range page.Value {
			if e.Cancelled {
				continue
			}
			ev, err := e.event(w)
			if err != nil {
				told.Drop(cut(e.Subject, 60), "%v", err)
				continue
			}
			out = append(out, ev)
		}
		if page.Next == "" || len(out) > mostEvents {
			return out, told.Dropped, nil
		}
		if next, err = url.Parse(page.Next); err != nil {
			return nil, nil, fmt.Errorf("%s says that there is more, and not where", g.base.Host)
		}
	}
	return out, told.Dropped, nil
}

func (e graphEvent) event(w Window) (Event, error) {
	start, err1 := stamp(e.Start.DateTime)
	end, err2 := stamp(e.End.DateTime)
	if err1 != nil || err2 != nil || end.Before(start) {
		return Event{}, fmt.Errorf("it is from %.40q to %.40q, which are not times", e.Start.DateTime, e.End.DateTime)
	}
	if e.AllDay { // midnights of no zone, told as UTC's
		start, end = inZone(w.zone()).at(start), inZone(w.zone()).at(end)
	}
	return Event{UID: firstOf(e.UID, e.ID), Title: e.Subject, Start: start, End: end, AllDay: e.AllDay, Place: e.Location.DisplayName, Text: e.Preview,
		Organizer: firstOf(e.Organizer.EmailAddress.Name, e.Organizer.EmailAddress.Address), Category: strings.Join(e.Categories, ", "), URL: e.Link,
		Free: e.ShowAs == "free", Tentative: e.ShowAs == "tentative", Private: e.Sensitivity == "private" || e.Sensitivity == "confidential"}, nil
}

// authorized asks with a token.
func (g *graph) authorized(ctx context.Context, u *url.URL, limit int64) (answer, error) {
	return g.proved(ctx, u, func(anew bool) (http.Header, bool, error) {
		if !g.token.Valid() || anew {
			if err := g.signIn(ctx); err != nil {
				return nil, false, err
			}
		}
		return http.Header{"Authorization": {"Bearer " + g.token.AccessToken}, "Prefer": {`outlook.timezone="UTC"`}}, true, nil
	}, func(body []byte) string {
		var said struct {
			Error struct{ Code, Message string }
		}
		_ = json.Unmarshal(body, &said) // what it does not say is left out
		return strings.TrimSpace(said.Error.Code + " " + said.Error.Message)
	}, limit)
}

func (g *graph) signIn(ctx context.Context) error {
	at := login[g.base.Hostname()]
	if at == "" {
		at = g.base.Host
	}
	there := &url.URL{Scheme: g.base.Scheme, Host: at}
	s, needed, err := g.secret(there)
	switch {
	case err != nil:
		return err
	case !needed:
		return errors.New("the tenant of Exchange Online wants to know who asks: name a secret with client, password and tenant in the source (auth)")
	case s.Client == "" || s.Password == "" || s.Tenant == "":
		return fmt.Errorf("the secret %q has no client, password or tenant: Exchange Online needs all three", g.Secret)
	}
	if _, _, err := g.secret(g.base); err != nil { // the token goes there
		return err
	}
	there.Path = "/" + s.Tenant + "/oauth2/v2.0/token"
	cfg := clientcredentials.Config{ClientID: s.Client, ClientSecret: s.Password, TokenURL: there.String(), AuthStyle: oauth2.AuthStyleInParams,
		Scopes: []string{g.base.Scheme + "://" + g.base.Host + "/.default"}}
	g.token, err = cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, g.client))
	return g.signed(err, at)
}

// signed says why a token was not given, in the server's word but without its whole answer.
func (c *caller) signed(err error, host string) error {
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		var said struct {
			Code string `json:"error"`
			Text string `json:"error_description"`
		}
		_ = json.Unmarshal(refused.Body, &said) // what it does not say is left out
		return fmt.Errorf("%s does not take the secret %q: look whether it is still right (%s %s)", host, c.Secret, said.Code, strings.Join(strings.Fields(cut(said.Text, 160)), " "))
	}
	return c.sentence(err)
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
