package agenda

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"vitrine/agent/connect/rows"
)

// google asks Google Calendar's API, version 3, events.list with singleEvents: rules are followed by the server. The secret
// is a service account (user: its address, key: its private key), what a person has allowed (client, password, token: a
// refresh token), or an API key (token), for calendars that everyone may read.
type google struct {
	*caller
	token *oauth2.Token
}

const (
	googleScope = "https://www.googleapis.com/auth/calendar.readonly"
	googleToken = "oauth2.googleapis.com"
)

type googleEvent struct {
	ID           string     `json:"id"`
	UID          string     `json:"iCalUID"`
	Status       string     `json:"status"`
	Link         string     `json:"htmlLink"`
	Summary      string     `json:"summary"`
	Description  string     `json:"description"`
	Location     string     `json:"location"`
	Start        googleTime `json:"start"`
	End          googleTime `json:"end"`
	Transparency string     `json:"transparency"`
	Visibility   string     `json:"visibility"`
	Organizer    struct{ DisplayName, Email string }
}

type googleTime struct {
	Date     string `json:"date"`
	DateTime string `json:"dateTime"`
}

// Events implements Agenda.
func (g *google) Events(ctx context.Context, w Window, limit int64) ([]Event, []rows.Drop, error) {
	var out []Event
	var told rows.Table
	query := url.Values{"singleEvents": {"true"}, "orderBy": {"startTime"}, "maxResults": {"2500"},
		"timeMin": {w.From.UTC().Format(time.RFC3339)}, "timeMax": {w.To.UTC().Format(time.RFC3339)}}
	for range mostPages {
		u := *g.base
		u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + "/calendar/v3/calendars/" + url.PathEscape(g.Calendar) + "/events"
		u.Path, _ = url.PathUnescape(u.RawPath)
		u.RawQuery = query.Encode()
		a, err := g.authorized(ctx, &u, limit)
		if err != nil {
			return nil, nil, err
		}
		var page struct {
			Items []googleEvent `json:"items"`
			Next  string        `json:"nextPageToken"`
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			return nil, nil, fmt.Errorf("%s answered what Google Calendar does not", g.base.Host)
		}
		for _, e := range page.Items {
			if e.Status == "cancelled" {
				continue
			}
			ev, err := e.event(w)
			if err != nil {
				told.Drop(cut(e.Summary, 60), "%v", err)
				continue
			}
			out = append(out, ev)
		}
		if page.Next == "" || len(out) > mostEvents {
			break
		}
		query.Set("pageToken", page.Next)
	}
	return out, told.Dropped, nil
}

func (e googleEvent) event(w Window) (Event, error) {
	when := func(t googleTime) (time.Time, error) {
		if t.Date != "" {
			day, err := time.Parse(time.DateOnly, t.Date)
			return inZone(w.zone()).at(day), err
		}
		return time.Parse(time.RFC3339, t.DateTime)
	}
	start, err1 := when(e.Start)
	end, err2 := when(e.End)
	if err1 != nil || err2 != nil || end.Before(start) {
		return Event{}, fmt.Errorf("it is from %.40q to %.40q, which are not times", firstOf(e.Start.DateTime, e.Start.Date), firstOf(e.End.DateTime, e.End.Date))
	}
	return Event{UID: firstOf(e.UID, e.ID), Title: e.Summary, Start: start, End: end, AllDay: e.Start.Date != "", Place: e.Location, Text: e.Description,
		Organizer: firstOf(e.Organizer.DisplayName, e.Organizer.Email), URL: e.Link, Free: e.Transparency == "transparent",
		Tentative: e.Status == "tentative", Private: e.Visibility == "private" || e.Visibility == "confidential"}, nil
}

// authorized asks with a token or a key, where there is a secret.
func (g *google) authorized(ctx context.Context, u *url.URL, limit int64) (answer, error) {
	return g.proved(ctx, u, func(anew bool) (http.Header, bool, error) {
		s, needed, err := g.secret(g.base)
		switch {
		case err != nil || !needed:
			return http.Header{}, false, err
		case s.Key == "" && s.Client == "":
			return http.Header{"X-Goog-Api-Key": {s.Token}}, false, nil // in the address it would stand in every log
		}
		if !g.token.Valid() || anew {
			if err := g.signIn(ctx); err != nil {
				return nil, false, err
			}
		}
		return http.Header{"Authorization": {"Bearer " + g.token.AccessToken}}, true, nil
	}, func(body []byte) string {
		var said struct{ Error struct{ Message string } }
		_ = json.Unmarshal(body, &said) // what it does not say is left out
		return said.Error.Message
	}, limit)
}

func (g *google) signIn(ctx context.Context) error {
	there := &url.URL{Scheme: g.base.Scheme, Host: googleToken, Path: "/token"}
	if g.base.Hostname() != "www.googleapis.com" {
		there.Host = g.base.Host
	}
	s, _, err := g.secret(there)
	if err != nil {
		return err
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, g.client)
	var from oauth2.TokenSource
	if s.Key != "" {
		if s.User == "" {
			return fmt.Errorf("the secret %q has a key and no user: write the service account's address there", g.Secret)
		}
		from = (&jwt.Config{Email: s.User, PrivateKey: []byte(s.Key), Scopes: []string{googleScope}, TokenURL: there.String()}).TokenSource(ctx)
	} else {
		if s.Token == "" {
			return fmt.Errorf("the secret %q has a client and no token: write the refresh token there", g.Secret)
		}
		cfg := oauth2.Config{ClientID: s.Client, ClientSecret: s.Password, Scopes: []string{googleScope}, Endpoint: oauth2.Endpoint{TokenURL: there.String(), AuthStyle: oauth2.AuthStyleInParams}}
		from = cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: s.Token})
	}
	g.token, err = from.Token()
	return g.signed(err, there.Host)
}
