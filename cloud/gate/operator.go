package gate

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vitrine/cloud/api"
	"vitrine/cloud/depot"
)

// Sizes of a page of a listing.
const (
	pageSize = 200
	maxPage  = 1000
)

func (g *Gate) operatorRoutes() []Route {
	return []Route{
		{"GET " + api.PathClaim, Person, "The player that waits under a code.", nil, api.Waiting{}, g.getClaim},
		{"POST " + api.PathClaim, Person, "Claims the player that waits under a code.", api.Claim{}, api.Player{}, g.postClaim},
		{"GET " + api.PathPlayers, Person, "Players, by id; after= goes on, limit= at most 1000.", nil, api.Page[api.Player]{}, g.players},
		{"GET " + api.PathPlayer, Person, "One player.", nil, api.Player{}, g.player},
		{"PATCH " + api.PathPlayer, Person, "Changes a player's settings; If-Match takes their revision.", api.Changes{}, api.Player{}, g.changePlayer},
		{"DELETE " + api.PathPlayer, Person, "Removes a player: its key opens nothing any more.", nil, nil, g.removePlayer},
		{"GET " + api.PathScreenshot, Person, "The player's last picture, JPEG.", nil, nil, g.Screenshot},
		{"POST " + api.PathScreenshot, Person, "Asks the player for a fresh picture.", nil, nil, g.askScreenshot},
		{"GET " + api.PathProofs, Person, "What the player has proven to have played.", nil, api.Page[api.Play]{}, g.plays},
		{"POST " + api.PathImport, Person, "Plays that a person has carried here; only what the player's own signature covers is taken, each once.", api.Proofs{}, api.Imported{}, g.importPlays},
		{"POST " + api.PathPlayers, Person, "Takes in a player that never calls, by the word of its key.", api.Adoption{}, api.Player{}, g.adopt},
		{"GET " + api.PathStreams, Person, "Streams and their heads.", nil, api.Page[api.Stream]{}, g.streams},
		{"PUT " + api.PathStream, Person, "Makes a manifest a stream's newest; If-Match takes the seq of the head before.", api.Head{}, api.Stream{}, g.moveHead},
		{"GET " + api.PathChannels, Person, "Which stream each group follows.", nil, api.Page[api.Channel]{}, g.channels},
		{"PUT " + api.PathChannel, Person, `Makes a group follow a stream; "*" is everyone; If-Match takes the stream before, in quotes.`, api.Channel{}, api.Channel{}, g.follow},
		{"DELETE " + api.PathChannel, Person, "Makes a group follow nothing of its own.", nil, nil, g.unfollow},
	}
}

func (g *Gate) getClaim(w http.ResponseWriter, r *http.Request) error {
	waiting, err := g.Waiting(r, r.PathValue("code"))
	if err != nil {
		return err
	}
	return Send(w, http.StatusOK, waiting)
}

func (g *Gate) postClaim(w http.ResponseWriter, r *http.Request) error {
	var c api.Claim
	if _, err := decode(w, r, 16<<10, &c); err != nil {
		return err
	}
	p, err := g.Claim(r, r.PathValue("code"), c)
	if err != nil {
		return err
	}
	return Send(w, http.StatusCreated, p)
}

// page reads a listing's cursor and size.
func page(r *http.Request) (after string, limit int, err error) {
	after, limit = r.URL.Query().Get("after"), pageSize
	if s := r.URL.Query().Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > maxPage {
			return "", 0, &api.Problem{Title: fmt.Sprintf("limit is a number from 1 to %d", maxPage), Status: http.StatusBadRequest}
		}
	}
	return after, limit, nil
}

// sendPage sends a run of at most limit, of which one more was asked for.
func sendPage[T any](w http.ResponseWriter, items []T, limit int, cursor func(T) string) error {
	p := api.Page[T]{Items: items}
	if len(items) > limit {
		p.Items = items[:limit]
		p.Next = cursor(items[limit-1])
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	return Send(w, http.StatusOK, p)
}

func (g *Gate) players(w http.ResponseWriter, r *http.Request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	items, err := g.cfg.Fleet.Players(after, limit+1)
	if err != nil {
		return err
	}
	return sendPage(w, items, limit, func(p api.Player) string { return p.ID })
}

func (g *Gate) player(w http.ResponseWriter, r *http.Request) error {
	p, err := g.cfg.Fleet.Player(r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("ETag", api.ETag(p.Rev))
	return Send(w, http.StatusOK, p)
}

func (g *Gate) changePlayer(w http.ResponseWriter, r *http.Request) error {
	rev, err := ifMatch(r)
	if err != nil {
		return err
	}
	var c api.Changes
	if _, err := decode(w, r, 16<<10, &c); err != nil {
		return err
	}
	p, err := g.Change(r.PathValue("id"), rev, c)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", api.ETag(p.Rev))
	return Send(w, http.StatusOK, p)
}

// Change changes a player's settings, after it has looked at them.
func (g *Gate) Change(id string, rev uint64, c api.Changes) (api.Player, error) {
	of := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	claim := api.Claim{Name: "as it is", Zone: of(c.Zone)}
	if c.Name != nil {
		claim.Name = *c.Name
	}
	if c.Groups != nil {
		claim.Groups = *c.Groups
	}
	if c.Tags != nil {
		claim.Tags = *c.Tags
	}
	if err := checkClaim(claim); err != nil {
		return api.Player{}, err
	}
	if l := of(c.Locale); len(l) > 16 || strings.ContainsFunc(l, func(r rune) bool { return r != '-' && !unicode.IsLetter(r) }) {
		return api.Player{}, malformed("the locale is not a language such as fr or en")
	}
	return g.cfg.Fleet.Change(id, rev, c)
}

func malformed(title string) error {
	return &api.Problem{Title: title, Status: http.StatusUnprocessableEntity}
}

// checkClaim looks at what people choose: it ends up on pages and in schedules.
func checkClaim(c api.Claim) error {
	if !isName(c.Name, 100) {
		return malformed("the name is not 1 to 100 characters on one line")
	}
	if len(c.Groups) > 32 || len(c.Tags) > 64 {
		return malformed("a player has at most 32 groups and 64 tags")
	}
	for _, s := range append(append([]string{}, c.Groups...), c.Tags...) {
		if !isName(s, 64) || s == "*" || strings.ContainsAny(s, ",/") {
			return malformed(fmt.Sprintf("%q cannot be a group or tag: 1 to 64 characters on one line, without comma and slash", s))
		}
	}
	if c.Root != "" && !depot.IsDigest(c.Root) {
		return malformed("the root is not a SHA-256, 64 lower-case hexadecimal digits")
	}
	if c.Zone != "" {
		if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" || len(c.Zone) > 64 {
			return malformed(fmt.Sprintf("%q is not an IANA time zone such as Europe/Paris", c.Zone))
		}
	}
	return nil
}

func isName(s string, limit int) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func (g *Gate) removePlayer(w http.ResponseWriter, r *http.Request) error {
	if err := g.Remove(r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Remove removes a player and ends its sessions.
func (g *Gate) Remove(id string) error {
	if err := g.cfg.Fleet.Remove(id); err != nil {
		return err
	}
	g.cfg.Devices.EndAll(id)
	return nil
}

// Screenshot sends a player's last picture.
func (g *Gate) Screenshot(w http.ResponseWriter, r *http.Request) error {
	b, taken, err := g.cfg.Fleet.Picture(r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.Header().Set("Last-Modified", taken.UTC().Format(http.TimeFormat))
	_, err = w.Write(b)
	return err
}

func (g *Gate) askScreenshot(w http.ResponseWriter, r *http.Request) error {
	if err := g.cfg.Fleet.Ask(r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (g *Gate) plays(w http.ResponseWriter, r *http.Request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	if _, ok := g.cfg.Fleet.Member(r.PathValue("id")); !ok {
		return &api.Problem{Title: "the relay has no such player", Status: http.StatusNotFound}
	}
	plays, next, err := g.cfg.Fleet.Plays(r.PathValue("id"), after, limit)
	if err != nil {
		return err
	}
	if plays == nil {
		plays = []api.Play{}
	}
	return Send(w, http.StatusOK, api.Page[api.Play]{Items: plays, Next: next})
}

func (g *Gate) streams(w http.ResponseWriter, r *http.Request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	items, err := g.cfg.Depot.Streams(after, limit+1)
	if err != nil {
		return err
	}
	return sendPage(w, items, limit, func(s api.Stream) string { return s.Name })
}

func (g *Gate) moveHead(w http.ResponseWriter, r *http.Request) error {
	was, err := ifMatch(r)
	if err != nil {
		return err
	}
	var h api.Head
	if _, err := decode(w, r, 4<<10, &h); err != nil {
		return err
	}
	if !isName(r.PathValue("stream"), 64) {
		return malformed("the stream's name is not 1 to 64 characters")
	}
	s, err := g.cfg.Depot.MoveHead(r.PathValue("stream"), was, h)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", api.ETag(s.Head.Seq))
	return Send(w, http.StatusOK, s)
}

func (g *Gate) channels(w http.ResponseWriter, r *http.Request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	items, err := g.cfg.Depot.Channels(after, limit+1)
	if err != nil {
		return err
	}
	return sendPage(w, items, limit, func(c api.Channel) string { return c.Group })
}

func (g *Gate) follow(w http.ResponseWriter, r *http.Request) error {
	var c api.Channel
	if _, err := decode(w, r, 4<<10, &c); err != nil {
		return err
	}
	group := r.PathValue("group")
	if !isName(group, 64) || c.Group != "" && c.Group != group || strings.ContainsAny(group, ",/") {
		return malformed("the group is not 1 to 64 characters without comma and slash, or not the same in address and body")
	}
	c.Group = group
	if err := g.cfg.Depot.Follow(c, strings.Trim(r.Header.Get("If-Match"), `"*`)); err != nil {
		return err
	}
	return Send(w, http.StatusOK, c)
}

func (g *Gate) unfollow(w http.ResponseWriter, r *http.Request) error {
	if err := g.cfg.Depot.Unfollow(r.PathValue("group")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
