package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/playout"
	"vitrine/agent/store"
	"vitrine/cloud/api"
	"vitrine/usb/importer"
	"vitrine/usb/seal"
	"vitrine/usb/udisks"
)

const (
	stickStays   = 20 * time.Second // how long the screen says how an import ended
	stickTrouble = time.Minute      // and how long that it failed
	stickIdle    = 10 * time.Minute // a sign of an import that nobody renews goes
	maxResult    = 16 << 10         // bytes of a result on a stick
)

// sticks is what is known of sticks, for people.
type sticks struct {
	mu      sync.Mutex
	last    *api.Stick // nil = none since the start
	waiting int
	taken   *store.Taken // what the import under way came to; nil = nothing yet
	percent int64        // as the screen has it
}

// wireSticks makes what imports from sticks.
func (a *Agent) wireSticks() (err error) {
	port := a.cfg.Port
	if port == nil && a.cfg.Sticks {
		if a.watcher, err = udisks.New(udisks.Config{Filesystems: a.cfg.StickKinds, Log: a.cfg.Log}); err != nil {
			return err
		}
		port = a.watcher
	}
	if port == nil {
		return nil
	}
	t := taker{a}
	a.importer, err = importer.New(importer.Config{Sticks: port, Taker: t, Ended: t.stickEnded, Waiting: a.sticksWait, Log: a.cfg.Log})
	return err
}

// state is the last stick's, nil before the first.
func (k *sticks) state() *api.Stick {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil {
		return nil
	}
	s := *k.last
	s.Waiting = k.waiting
	return &s
}

// taker takes what is on sticks.
type taker struct{ *Agent }

// Take implements importer.Taker. A stick never brings a publisher that the player does not trust already. Warnings come
// first: a bundle may take an hour, and be refused.
func (t taker) Take(ctx context.Context, stick udisks.Stick, tree *importer.Tree) error {
	t.stickBegan(stick.Label)
	refused := errors.Join(t.warnings(ctx, tree), t.parcels(ctx, tree))
	err := t.unlock(ctx, tree)
	if err == nil && tree.Index().Manifest != "" {
		if err = t.bundle(ctx, stick.Label, tree); err != nil {
			err = &bundleError{err}
		}
	}
	if ours, _ := t.ours(ctx, tree); ours && tree.Index().Report && t.cfg.StickReports && ctx.Err() == nil {
		err = errors.Join(err, t.reply(stick, tree, errors.Join(refused, err)))
	}
	return errors.Join(refused, err)
}

// unlock opens an encrypted stick with the player's own key, and by its passphrase if it has one.
func (a *Agent) unlock(ctx context.Context, tree *importer.Tree) error {
	if !tree.Sealed() {
		return nil
	}
	var keys seal.Opener
	if a.me != nil {
		if err := keys.Own(a.me.Seal); err != nil {
			return err
		}
	}
	if a.cfg.StickPassphrase != "" {
		if err := keys.Passphrase(a.cfg.StickPassphrase); err != nil {
			return err
		}
	}
	return tree.Unlock(ctx, &keys)
}

// bundleError is about a stick's bundle, not about what else is on it.
type bundleError struct{ error }

func (e *bundleError) Unwrap() error { return e.error }

// mountedBundle takes the bundle of a stick that a person has mounted.
func (a *Agent) mountedBundle(ctx context.Context, tree *importer.Tree, progress func(have, total int64)) (*api.Pointer, bool, error) {
	if err := a.unlock(ctx, tree); err != nil {
		return nil, false, err
	}
	offer, err := taker{a}.offer(ctx, tree)
	if err != nil {
		return nil, false, err
	}
	return a.take(ctx, offer, "import", progress)
}

// bundle takes the bundle of a stick, if its ticket and its manifest are for this player.
func (t taker) bundle(ctx context.Context, label string, tree *importer.Tree) error {
	offer, err := t.offer(ctx, tree)
	if err != nil {
		return err
	}
	t.setTaken(&store.Taken{Manifest: offer.manifest, Digest: bundle.DigestOf(offer.envelope)})
	got, err := t.store.Ingest(ctx, offer, func(p store.Progress) { t.stickAt(label, p.Have, p.Total) })
	if err != nil {
		return err
	}
	t.setTaken(&got)
	t.log.Info("bundle imported", "stream", got.Manifest.Stream, "seq", got.Manifest.Seq, "from", "stick "+label, "changed", got.Changed)
	if !got.Changed && tree.Unfinished() {
		return importer.ErrHalf
	}
	return nil
}

// offer is what a stick offers, read once: the small things are judged before anything is copied.
type offer struct {
	*importer.Tree
	roots    [][]byte
	envelope []byte
	manifest *bundle.Manifest
}

func (o *offer) Roots(context.Context) ([][]byte, error)  { return o.roots, nil }
func (o *offer) Manifest(context.Context) ([]byte, error) { return o.envelope, nil }
func (o *offer) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	return o.Tree.Blob(ctx, string(d), from)
}

// offer reads and judges roots, ticket and manifest.
func (t taker) offer(ctx context.Context, tree *importer.Tree) (*offer, error) {
	o := &offer{Tree: tree}
	var err error
	if o.roots, err = tree.Roots(ctx); err != nil {
		return nil, err
	}
	trust := t.store.Trust()
	if trust == nil {
		return nil, store.ErrNotPinned
	}
	if bundle.DigestOf(o.roots[0]) != trust.Fingerprint() {
		return nil, fmt.Errorf("%w: its keys have the words %q, this player's are %q", errForeign, strings.Join(bundle.Words(o.roots[0]), " "), strings.Join(bundle.Words(trust.Chain()[0]), " "))
	}
	if err := t.store.Pin(o.roots); err != nil {
		return nil, err
	}
	trust = t.store.Trust()
	if o.envelope, err = tree.Manifest(ctx); err != nil {
		return nil, err
	}
	if err := t.admitted(ctx, tree, trust, bundle.DigestOf(o.envelope)); err != nil {
		return nil, err
	}
	if o.manifest, err = trust.Manifest(o.envelope); err != nil {
		return nil, err
	}
	return o, t.fits(trust, o)
}

// admitted looks at a stick's ticket, if it has one.
func (t taker) admitted(ctx context.Context, tree *importer.Tree, trust *bundle.Trust, manifest bundle.Digest) error {
	envelope, err := tree.Ticket(ctx)
	if err != nil || envelope == nil {
		return err
	}
	k, err := trust.Ticket(envelope)
	if err != nil {
		return err
	}
	if !k.Names(manifest) {
		return errOtherTicket
	}
	return k.Admits(t.bearer())
}

// bearer is this player before a ticket.
func (a *Agent) bearer() bundle.Bearer {
	id, groups := a.known()
	b := bundle.Bearer{Player: id, Groups: groups, Past: a.store.Floor().Time}
	if st, _ := a.clock.State(); st.Why() == "" {
		b.Now = st.Now
	}
	return b
}

// fits says what the store would say of a bundle, in a form that can be told from other refusals.
func (t taker) fits(trust *bundle.Trust, o *offer) error {
	m, d := o.manifest, bundle.DigestOf(o.envelope)
	if to := m.Targets; to != nil {
		if id, groups := t.known(); !(id != "" && slices.Contains(to.Players, id)) && !slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(to.Groups, g) }) {
			return fmt.Errorf("%w: players %q, groups %q", bundle.ErrNotForHere, to.Players, to.Groups)
		}
	}
	l, had := t.store.Floor().Streams[m.Stream]
	if had && l.Manifest != d && m.Root <= l.Root && m.Seq < l.Seq {
		return &olderError{m.Stream, m.Seq, l.Seq}
	}
	return nil
}

// olderError is a stick that is behind what the player has had.
type olderError struct {
	stream    string
	seq, have uint64
}

func (e *olderError) Error() string {
	return fmt.Sprintf("version %d of %q is older than version %d, which this player has had", e.seq, e.stream, e.have)
}

var (
	errForeign     = errors.New("the stick is another publisher's")
	errOtherTicket = errors.New("the stick's ticket is for another bundle than the one on it: write the stick again")
)

// ours says whether the stick is this player's publisher's, so far as its root tells: it may be written to then, if it asks.
func (t taker) ours(ctx context.Context, tree *importer.Tree) (bool, error) {
	trust := t.store.Trust()
	if trust == nil {
		return false, nil
	}
	roots, err := tree.Roots(ctx)
	return err == nil && len(roots) > 0 && bundle.DigestOf(roots[0]) == trust.Fingerprint(), err
}

// result is what goes back onto the stick.
type result struct {
	Player  string       `json:"player"`
	ID      string       `json:"id,omitempty"`
	Version string       `json:"version"`
	At      time.Time    `json:"at"`
	Clock   string       `json:"clock"`
	State   string       `json:"state"` // taken, same, refused
	Said    []string     `json:"said"`  // as on the screen
	Error   string       `json:"error,omitempty"`
	Bundle  *api.Pointer `json:"bundle,omitempty"` // that the player has now
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// reply writes onto the stick how it went: results/<player>.json.
func (t taker) reply(stick udisks.Stick, tree *importer.Tree, failed error) error {
	live, _ := t.store.Live()
	clock, _ := t.clock.State()
	host, err := os.Hostname()
	if err != nil {
		host = "player"
	}
	state, said := t.outcome(stick, failed)
	r := result{Player: firstOf(live.Settings.Name, t.cfg.Name, host), ID: live.Settings.ID, Version: bundle.AgentVersion, At: clock.Now, Clock: string(clock.Trust),
		State: state, Said: said.in(t.lang(live)), Bundle: live.Pointer()}
	if failed != nil {
		r.Error = failed.Error()
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(firstOf(live.Settings.ID, r.Player)), "-"), "-")
	return tree.Reply(importer.Reply{Name: "results/" + firstOf(name[:min(len(name), 60)], "player") + ".json", Size: maxResult,
		Fill: func(_ context.Context, w io.Writer) error { _, err := w.Write(append(b, '\n')); return err },
		Done: func(err error) {
			if err != nil {
				t.log.Warn("result not written onto the stick", "error", err)
			}
		}})
}

func (a *Agent) setTaken(t *store.Taken) {
	a.sticks.mu.Lock()
	defer a.sticks.mu.Unlock()
	a.sticks.taken = t
}

// stickBegan says on the screen that a stick is being read.
func (a *Agent) stickBegan(label string) {
	a.setStick(api.Stick{Label: label, State: "importing"})
	a.setTaken(nil)
	a.sign(words{[]string{"USB: reading the stick", "Do not remove it"}, []string{"USB : lecture de la clé", "Ne la retirez pas"}}, -1, false, stickIdle)
}

// stickAt says how far an import is; the screen hears of whole per cents.
func (a *Agent) stickAt(label string, have, total int64) {
	if total <= 0 {
		return
	}
	a.sticks.mu.Lock()
	percent, waiting := have*100/total, a.sticks.waiting
	changed := percent != a.sticks.percent || a.sticks.last == nil || a.sticks.last.Total != total
	a.sticks.percent = percent
	if a.sticks.last != nil {
		a.sticks.last.Have, a.sticks.last.Total = have, total
	}
	a.sticks.mu.Unlock()
	if !changed {
		return
	}
	en, fr := "Do not remove the stick", "Ne retirez pas la clé"
	if waiting > 0 {
		en, fr = fmt.Sprintf("%s; %d more will follow", en, waiting), fmt.Sprintf("%s ; %d autre(s) suivront", fr, waiting)
	}
	a.sign(words{[]string{fmt.Sprintf("USB: importing %d %%", percent), en}, []string{fmt.Sprintf("USB : import %d %%", percent), fr}}, float64(have)/float64(total), false, stickIdle)
	a.poke()
}

// stickEnded says how it went, once the stick may be pulled out.
func (t taker) stickEnded(stick udisks.Stick, err error) {
	if errors.Is(err, importer.ErrNothing) || errors.Is(err, context.Canceled) {
		t.playout.ShowSign(playout.Sign{}, 0)
		return
	}
	state, said := t.outcome(stick, err)
	live, _ := t.store.Live()
	lines := said.in(t.lang(live))
	t.setStick(api.Stick{Label: stick.Label, State: state, Said: strings.Join(lines, ". ")})
	bad, stay := state == "refused" || state == "gone", stickStays
	if bad {
		stay = stickTrouble
	}
	t.sign(said, -1, bad, stay)
	if !bad {
		lines = nil
	}
	t.notice(strings.Join(lines, ". ")) // stands on the card until the next stick
	t.poke()
}

func (a *Agent) setStick(s api.Stick) {
	st, _ := a.clock.State()
	s.At = st.Now
	a.sticks.mu.Lock()
	a.sticks.last, a.sticks.percent = &s, -1
	a.sticks.mu.Unlock()
}

func (a *Agent) sticksWait(n int) {
	a.sticks.mu.Lock()
	a.sticks.waiting = n
	a.sticks.mu.Unlock()
}

// sign shows a title and a line above what plays.
func (a *Agent) sign(w words, share float64, bad bool, stay time.Duration) {
	live, _ := a.store.Live()
	lines := append(w.in(a.lang(live)), "", "")
	a.playout.ShowSign(playout.Sign{Title: lines[0], Text: lines[1], Share: share, Bad: bad}, stay)
}
