package fleet

import (
	"context"
	"fmt"
	"time"

	memdb "github.com/hashicorp/go-memdb"

	"vitrine/cloud/api"
)

// told is what a player was last told, so that one that cannot do it does not ask again and again without a pause.
type told struct {
	boot string
	what string
	at   time.Time
}

// view is what a heartbeat is compared with, and the channels that close when it changes.
type view struct {
	member  *Member
	head    *api.Stream // of the stream that it follows
	known   *api.Stream // head of the stream that it plays
	root    int
	siren   siren
	post    string // state of the list of parcels
	picture time.Time
	changed []<-chan struct{}
}

// look reads the view of one player. Only what concerns it is watched.
func (f *Fleet) look(id, playing string) (*view, error) {
	tx := f.db.Txn(false)
	v := &view{}
	watch := func(table, key string) (any, error) {
		ch, row, err := tx.FirstWatch(table, "id", key)
		if err == nil {
			v.changed = append(v.changed, ch)
		}
		return row, err
	}
	row, err := watch("player", id)
	if err != nil || row == nil {
		return nil, orUnknown(err)
	}
	v.member = row.(*Member)
	if row, err = watch("root", "root"); err != nil {
		return nil, err
	}
	if row != nil {
		v.root = row.(*root).Version
	}
	if row, err = watch("siren", "siren"); err != nil {
		return nil, err
	}
	if row != nil {
		v.siren = *row.(*siren)
	}
	if row, err = watch("post", "post"); err != nil {
		return nil, err
	}
	if row != nil {
		v.post = v.member.Post(row.(*post).State)
	}
	stream := ""
	for _, g := range append(append([]string{}, v.member.Groups...), "*") {
		if row, err = watch("channel", g); err != nil {
			return nil, err
		}
		if row != nil {
			stream = row.(*api.Channel).Stream
			break
		}
	}
	if stream != "" {
		if row, err = watch("head", stream); err != nil {
			return nil, err
		}
		v.head, _ = row.(*api.Stream)
	}
	if playing != "" {
		if v.known, err = first[api.Stream](tx, "head", playing); err != nil {
			return nil, err
		}
	}
	return v, f.lookPicture(tx, v, id)
}

func (f *Fleet) lookPicture(tx *memdb.Txn, v *view, id string) error {
	r, err := first[report](tx, "report", id)
	if r != nil {
		v.picture = r.Picture
	}
	return err
}

func orUnknown(err error) error {
	if err != nil {
		return err
	}
	return ErrUnknown
}

// desired is what differs; ok = false means nothing does.
func (v *view) desired(h *api.Heartbeat, now time.Time) (d api.Desired, ok bool) {
	if h.Rev != v.member.Rev {
		s := v.member.Settings
		d.Settings, ok = &s, true
	}
	if h.Root < v.root {
		d.Root, ok = v.root, true
	}
	if w := h.Warnings; v.siren.State != "" && w != nil && w.State != v.siren.State { // nil = a player that knows nothing of them
		d.Warnings, ok = v.siren.State, true
	}
	if m := h.Mail; v.post != "" && m != nil && m.State != v.post { // nil = a player that knows nothing of them
		d.Mail, ok = v.post, true
	}
	if p := v.pointer(); p != nil && !v.has(h, p) && !v.behind(h, p) {
		d.Bundle, ok = p, true
	}
	if a := v.member.asked; now.Sub(a) < askLife && v.picture.Before(a) {
		d.Screenshot, ok = true, true
	}
	return d, ok
}

// pointer is the bundle that the player should have.
func (v *view) pointer() *api.Pointer {
	if v.head == nil {
		return nil
	}
	return &api.Pointer{Stream: v.head.Name, Seq: v.head.Head.Seq, Manifest: v.head.Head.Manifest, Root: v.head.Head.Root}
}

// has says whether the player plays a bundle, fetches it, or has refused it under the keys of now.
func (v *view) has(h *api.Heartbeat, p *api.Pointer) bool {
	return h.Active != nil && h.Active.Manifest == p.Manifest ||
		h.Fetching != nil && h.Fetching.Manifest == p.Manifest ||
		h.Refused != nil && h.Refused.Manifest == p.Manifest && h.Root >= v.root
}

// behind says whether the player has seen more than this relay: it is told nothing then.
func (v *view) behind(h *api.Heartbeat, p *api.Pointer) bool {
	return h.Root > v.root || h.Active != nil && h.Active.Stream == p.Stream && h.Active.Seq >= p.Seq
}

// alarms are the sentences about what a player witnesses.
func alarms(h *api.Heartbeat, known *api.Stream, root int, warned uint64) (out []string) {
	if h == nil {
		return nil
	}
	if w := h.Warnings; w != nil && w.Newest > warned && w.State != "" {
		out = append(out, fmt.Sprintf("It has seen public warning %d, this relay knows up to %d. A stick brought it, or the relay was restored from an old backup: compare with vitrine alert list, and send again what must stand.", w.Newest, warned))
	}
	if h.Root > root {
		out = append(out, fmt.Sprintf("It has seen root keys of version %d, this relay knows %d. The relay was restored from an old backup or is cut off: push the root keys again.", h.Root, root))
	}
	if a := h.Active; a != nil && known != nil && a.Seq > known.Head.Seq {
		out = append(out, fmt.Sprintf("It plays %s serial %d, this relay knows %d. The relay was restored from an old backup or is cut off; nothing older is served: push the newest bundle again.", a.Stream, a.Seq, known.Head.Seq))
	}
	if a := h.Active; a != nil && known != nil && a.Seq == known.Head.Seq && a.Manifest != known.Head.Manifest {
		out = append(out, fmt.Sprintf("It plays another %s serial %d than the one this relay has. Two publishers have built the same serial: build and push once more.", a.Stream, a.Seq))
	}
	return out
}

// Heartbeat takes a player's report and answers with what is desired of it: at once when that differs from what it reports,
// else as soon as it does, or with nil after wait. The same answer is given again only after some seconds, so that a player
// that cannot follow does not spin.
func (f *Fleet) Heartbeat(ctx context.Context, id, address string, h *api.Heartbeat, wait time.Duration) (*api.Desired, error) {
	playing := ""
	if h.Active != nil {
		playing = h.Active.Stream
	}
	if err := f.report(id, address, h, wait); err != nil {
		return nil, err
	}
	defer f.left(ctx, id, h)
	for end := time.Now().Add(wait); ; {
		v, err := f.look(id, playing)
		if err != nil {
			return nil, err
		}
		rest := time.Until(end)
		if d, differs := v.desired(h, f.cfg.Now()); differs {
			pause := f.pause(id, h.Boot, d)
			if pause <= 0 {
				f.tell(id, h.Boot, d)
				return &d, nil
			}
			rest = min(rest, pause)
		}
		if !time.Now().Before(end) {
			return nil, nil
		}
		if err := v.await(ctx, rest); err != nil {
			return nil, err
		}
	}
}

// await blocks until the view changes or the time is over; its error says that the player has gone.
func (v *view) await(ctx context.Context, rest time.Duration) error {
	ws := memdb.NewWatchSet()
	for _, ch := range v.changed {
		ws.Add(ch)
	}
	timed, cancel := context.WithTimeout(ctx, rest)
	defer cancel()
	_ = ws.WatchCtx(timed) // its end is looked at by whoever loops
	return ctx.Err()
}

// text is a desire as it can be compared.
func text(d api.Desired) string {
	out := fmt.Sprintf("root %d screenshot %v", d.Root, d.Screenshot)
	if d.Settings != nil {
		out += fmt.Sprintf(" settings %d", d.Settings.Rev)
	}
	if d.Bundle != nil {
		out += " bundle " + d.Bundle.Manifest
	}
	if d.Warnings != "" {
		out += " warnings " + d.Warnings
	}
	if d.Mail != "" {
		out += " mail " + d.Mail
	}
	return out
}

// pause is how long the same must not be told again.
func (f *Fleet) pause(id, boot string, d api.Desired) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.told[id]
	if !ok || t.boot != boot || t.what != text(d) {
		return 0
	}
	return tellAgain - f.cfg.Now().Sub(t.at)
}

func (f *Fleet) tell(id, boot string, d api.Desired) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told[id] = told{boot, text(d), f.cfg.Now()}
}
