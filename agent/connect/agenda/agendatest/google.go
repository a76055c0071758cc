package agendatest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Google is Google Calendar's API, version 3, events.list, with the token endpoint for service accounts (RFC 7523) and
// refresh tokens (developers.google.com: "Events: list", "Using OAuth 2.0 for Server to Server Applications").
type Google struct {
	Account                   string         // of the service account
	Key                       *rsa.PublicKey // of the service account
	Client, Password, Refresh string
	APIKey                    string
	Calendar                  string
	Public                    bool // an API key suffices
	Meetings                  []Meeting
	Signed                    atomic.Int32
}

// Transport carries requests to it.
func (g *Google) Transport() Transport {
	return Transport{"oauth2.googleapis.com": http.HandlerFunc(g.token), "www.googleapis.com": http.HandlerFunc(g.list)}
}

func (g *Google) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code, text string) {
		say(w, http.StatusBadRequest, map[string]any{"error": code, "error_description": text})
	}
	switch r.FormValue("grant_type") {
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		if why := g.assertion(r.FormValue("assertion")); why != "" {
			refuse("invalid_grant", why)
			return
		}
	case "refresh_token":
		if r.FormValue("client_id") != g.Client || r.FormValue("client_secret") != g.Password {
			say(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "Unauthorized"})
			return
		}
		if r.FormValue("refresh_token") != g.Refresh {
			refuse("invalid_grant", "Token has been expired or revoked.")
			return
		}
	default:
		refuse("unsupported_grant_type", "Invalid grant_type: "+r.FormValue("grant_type"))
		return
	}
	say(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": fmt.Sprint("ya29.", g.Signed.Add(1))})
}

// assertion says why a signed assertion is refused; "" = it is not.
func (g *Google) assertion(s string) string {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return "Invalid JWT: Not a valid assertion."
	}
	var claims struct {
		Iss, Aud, Scope string
		Iat, Exp        int64
	}
	payload, err1 := base64.RawURLEncoding.DecodeString(parts[1])
	signature, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	if err1 != nil || err2 != nil || json.Unmarshal(payload, &claims) != nil {
		return "Invalid JWT: Not a valid assertion."
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := time.Now().Unix()
	switch {
	case claims.Iss != g.Account:
		return "Invalid grant: account not found"
	case g.Key == nil || rsa.VerifyPKCS1v15(g.Key, crypto.SHA256, sum[:], signature) != nil:
		return "Invalid JWT Signature."
	case claims.Aud != "https://oauth2.googleapis.com/token":
		return "Invalid JWT: Failed audience check."
	case claims.Exp < now || claims.Exp > now+3600+60 || claims.Iat > now+300:
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
	case !strings.Contains(claims.Scope, "https://www.googleapis.com/auth/calendar"):
		return "Invalid OAuth scope or ID token audience provided."
	}
	return ""
}

func (g *Google) list(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, text string) {
		say(w, status, map[string]any{"error": map[string]any{"code": status, "message": text}})
	}
	q := r.URL.Query()
	from, err1 := time.Parse(time.RFC3339, q.Get("timeMin"))
	to, err2 := time.Parse(time.RFC3339, q.Get("timeMax"))
	skip, _ := strconv.Atoi(q.Get("pageToken"))
	key := r.Header.Get("X-Goog-Api-Key")
	switch {
	case bearer(r) == "" && key == "":
		refuse(http.StatusForbidden, "The request is missing a valid API key.")
	case bearer(r) != "" && bearer(r) != fmt.Sprint("ya29.", g.Signed.Load()):
		refuse(http.StatusUnauthorized, "Request had invalid authentication credentials.")
	case bearer(r) == "" && key != g.APIKey:
		refuse(http.StatusBadRequest, "API key not valid. Please pass a valid API key.")
	case r.URL.Path != "/calendar/v3/calendars/"+g.Calendar+"/events", bearer(r) == "" && !g.Public:
		refuse(http.StatusNotFound, "Not Found")
	case q.Get("orderBy") == "startTime" && q.Get("singleEvents") != "true":
		refuse(http.StatusBadRequest, "The requested ordering is not available for the particular query.")
	case err1 != nil || err2 != nil || !to.After(from):
		refuse(http.StatusBadRequest, "Bad Request")
	default:
		var all []map[string]any
		for _, m := range g.Meetings {
			if !m.within(from, to) {
				continue
			}
			at := func(t time.Time) map[string]any {
				if m.AllDay {
					return map[string]any{"date": t.UTC().Format(time.DateOnly)}
				}
				return map[string]any{"dateTime": t.In(time.FixedZone("", 7200)).Format(time.RFC3339), "timeZone": "Europe/Paris"}
			}
			status := map[bool]string{true: "cancelled", false: "confirmed"}[m.Cancelled]
			if m.Tentative {
				status = "tentative"
			}
			e := map[string]any{"kind": "calendar#event", "id": m.ID, "iCalUID": m.ID + "@google.com", "status": status, "summary": m.Title, "location": m.Place,
				"start": at(m.Start), "end": at(m.End), "organizer": map[string]any{"displayName": m.Organizer}}
			if m.Free {
				e["transparency"] = "transparent"
			}
			if m.Private {
				e["visibility"] = "private"
			}
			all = append(all, e)
		}
		end := min(skip+3, len(all))
		out := map[string]any{"kind": "calendar#events", "items": all[min(skip, end):end]}
		if end < len(all) {
			out["nextPageToken"] = strconv.Itoa(end)
		}
		say(w, http.StatusOK, out)
	}
}
