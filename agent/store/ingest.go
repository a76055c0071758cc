package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"vitrine/agent/bundle"
)

// Origin is where a bundle comes from: a relay, a stick, a file. Nothing that it says is believed.
type Origin interface {
	// Roots gives the key chain's envelopes from version 1 on.
	Roots(ctx context.Context) ([][]byte, error)
	// Manifest gives the manifest's envelope, at most bundle.MaxManifest bytes.
	Manifest(ctx context.Context) ([]byte, error)
	// Blob gives a blob's bytes from an offset on.
	Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error)
}

// Progress is how far an Ingest is, in bytes of the blobs that were missing.
type Progress struct {
	Digest      bundle.Digest
	Manifest    *bundle.Manifest
	Have, Total int64
	Fetched     int64 // of Have: verified bytes that this Ingest's origin has given
}

// Taken is what an Ingest came to.
type Taken struct {
	Digest   bundle.Digest
	Manifest *bundle.Manifest
	Changed  bool // false: the bundle was live already and whole
}

// RefusedError is a bundle that will not be taken, however often it is offered.
type RefusedError struct {
	Digest bundle.Digest // "" = the roots were refused
	Stream string        // "" when the manifest could not be believed
	Seq    uint64
	Root   int
	Reason string // a clause after "refused: "
}

// Error says why.
func (e *RefusedError) Error() string {
	if e.Stream == "" {
		return "bundle refused: " + e.Reason
	}
	return fmt.Sprintf("bundle %s version %d refused: %s", e.Stream, e.Seq, e.Reason)
}

// ErrNotPinned means that this player trusts nobody yet.
var ErrNotPinned = errors.New("this player trusts no publisher yet: claim it at its relay, or import a bundle with --trust and the four words that the publisher gave you")

// SpaceError means that a bundle does not fit. What is live stays.
type SpaceError struct{ Need, Free int64 }

// Error says how much is missing.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("the disk has %d MiB free, the bundle needs %d MiB: make room, or publish a smaller bundle", e.Free>>20, (e.Need+1<<20-1)>>20)
}

// maxRounds is how often one Ingest asks for what is missing before it leaves the rest to its next call.
const maxRounds = 8

// Ingest takes a bundle: it verifies the roots, the manifest, the floor and the targets, makes room, gets the missing
// blobs one by one, and makes it live in one transaction. What is live stays so until the last step. It can be
// interrupted anywhere and called again: verified segments are kept. Several may run at once, and nobody waits for
// another's origin: all is decided anew when the blobs are here. Errors are *RefusedError when trying again is of no use.
// progress may be nil.
func (s *Store) Ingest(ctx context.Context, from Origin, progress func(Progress)) (Taken, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	if err := s.Failing(); err != nil && s.inMemory.Load() {
		return Taken{}, fmt.Errorf("a new bundle waits until the disk can be written: %w", err)
	}
	envelope, err := s.hear(ctx, from)
	if err != nil {
		return Taken{}, err
	}
	j := &job{}
	defer s.unpin(j)
	for range maxRounds {
		fetching, stop := context.WithCancelCause(ctx)
		in, done, err := s.step(ctx, j, envelope, stop)
		if err == nil && !done {
			err = s.fetchAll(fetching, from, in, progress)
			if j.asked, j.fetched = true, err == nil; errors.Is(context.Cause(fetching), errOvertaken) {
				err = nil
			}
		}
		stop(nil)
		if err != nil || done {
			return in.Taken, err
		}
	}
	return Taken{Digest: j.digest, Manifest: j.manifest}, errors.New("other bundles were taken all the while, or files do not stay on the disk; it is tried again")
}

// hear asks an origin for its roots and its manifest's envelope, and takes the roots.
func (s *Store) hear(ctx context.Context, from Origin) ([]byte, error) {
	t := s.Trust()
	if t == nil {
		return nil, ErrNotPinned
	}
	roots, err := from.Roots(ctx)
	if err != nil {
		return nil, fmt.Errorf("get the roots: %w", err)
	}
	if err := s.extend(roots); err != nil {
		return nil, err
	}
	envelope, err := from.Manifest(ctx)
	if err != nil {
		return nil, fmt.Errorf("get the manifest: %w", err)
	}
	return envelope, nil
}

// step holds the token: it judges a bundle by what is so now and, when all its blobs are here, makes it live.
func (s *Store) step(ctx context.Context, j *job, envelope []byte, stop context.CancelCauseFunc) (in *incoming, done bool, err error) {
	in = &incoming{envelope: envelope, marks: map[bundle.Digest]mark{}}
	release, err := s.take(ctx)
	if err != nil {
		return in, false, err
	}
	defer release()
	if err := s.admit(ctx, in); err != nil {
		return in, false, err
	}
	s.pin(j, in, stop)
	switch {
	case len(in.missing) > 0:
		return in, false, s.makeRoom(in)
	case !j.fetched && s.pointers().Active == in.Digest && s.shows(in.Digest):
		if err := s.remark(in.marks); err != nil || !j.asked {
			return in, true, err
		}
		return in, true, s.refresh()
	}
	if err := s.activate(in); err != nil {
		return in, false, fmt.Errorf("make bundle %s version %d live: %w", in.Manifest.Stream, in.Manifest.Seq, err)
	}
	in.Changed = true
	s.unpin(j)
	s.overtake()
	if err := s.fault("collect"); err != nil {
		return in, true, err
	}
	if err := s.collect(); err != nil {
		s.log.Warn("garbage not collected", "error", err)
	}
	return in, true, nil
}

// incoming is a bundle that may be taken.
type incoming struct {
	Taken
	envelope []byte
	root     int // the newest when its signature was verified
	missing  []bundle.Blob
	marks    map[bundle.Digest]mark // of blobs that are here but were not known to be whole
}

// admit does everything that needs no blobs. The caller holds the token.
func (s *Store) admit(ctx context.Context, in *incoming) error {
	t, digest := s.Trust(), bundle.DigestOf(in.envelope)
	m, err := t.Manifest(in.envelope)
	if err != nil {
		return &RefusedError{Digest: digest, Reason: err.Error()}
	}
	if reason := s.objection(t, m, digest); reason != "" {
		return &RefusedError{Digest: digest, Stream: m.Stream, Seq: m.Seq, Root: m.Root, Reason: reason}
	}
	in.Digest, in.Manifest, in.root = digest, m, t.Root().Version
	if !m.Expires.IsZero() && m.Expires.Before(s.cfg.Now()) {
		s.log.Warn("bundle offered after its expiry", "stream", m.Stream, "seq", m.Seq, "expired", m.Expires)
	}
	for _, b := range m.Blobs {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, whole, err := s.present(b, true)
		switch {
		case err != nil:
			return err
		case !whole:
			in.missing = append(in.missing, b)
		default:
			in.marks[b.Digest] = k
		}
	}
	return nil
}

// objection is why a believed manifest is not for this player now.
func (s *Store) objection(t *bundle.Trust, m *bundle.Manifest, d bundle.Digest) string {
	if s.pointers().Active == d {
		return "" // to be mended
	}
	if reason := s.Floor().allows(t, m, d); reason != "" {
		return reason
	}
	if reason := s.ahead(t, m); reason != "" {
		return reason
	}
	if held := s.pointers().Held; held == d {
		return "this player went back from it; publish a corrected version"
	}
	set, err := s.Settings()
	if err != nil {
		s.log.Warn("settings not read", "error", err)
	}
	to := m.Targets
	if to == nil || slices.Contains(to.Players, set.ID) && set.ID != "" ||
		slices.ContainsFunc(to.Groups, func(g string) bool { return slices.Contains(set.Groups, g) }) {
		return ""
	}
	who := "this player is not enrolled"
	if set.ID != "" {
		who = fmt.Sprintf("this is player %s in groups %q", set.ID, set.Groups)
	}
	return fmt.Sprintf("it is for players %q and groups %q; %s", to.Players, to.Groups, who)
}

// pointers says which bundle is what.
type pointers struct {
	Active   bundle.Digest `json:"active,omitempty"`
	Previous bundle.Digest `json:"previous,omitempty"`
	Held     bundle.Digest `json:"held,omitempty"` // a bundle that Rollback left: not to be taken again
}

func (s *Store) pointers() pointers {
	var p pointers
	if _, err := s.get(bucketMeta, "pointers", &p); err != nil {
		s.log.Warn("pointers not read", "error", err)
	}
	return p
}

// activate makes a bundle live. All its blobs are on the disk.
func (s *Store) activate(in *incoming) error {
	if err := s.fault("keep manifest"); err != nil {
		return err
	}
	if err := writeFile(s.path(in.Digest.ManifestPath()), in.envelope); err != nil {
		return fmt.Errorf("keep the manifest: %w", err)
	}
	p := s.pointers()
	if p.Active != in.Digest {
		p = pointers{Active: in.Digest, Previous: p.Active}
	}
	m, f := in.Manifest, s.Floor()
	if l := (Level{Root: m.Root, Under: in.root, Seq: m.Seq, Manifest: in.Digest}); f.Streams[m.Stream].less(l) {
		f.Streams[m.Stream] = l
	}
	f.Issued[in.root] = later(f.Issued[in.root], m.Issued)
	if err := s.commit(p, f, in.marks); err != nil {
		return err
	}
	s.log.Info("bundle taken", "stream", m.Stream, "seq", m.Seq, "manifest", in.Digest.Short())
	return nil
}

// commit moves the pointers: the one transaction, then what is live, then the second places.
func (s *Store) commit(p pointers, f Floor, marks map[bundle.Digest]mark) error {
	s.flooring.Lock()
	defer s.flooring.Unlock()
	f.Active, f.Previous = p.Active, p.Previous
	f = f.merge(s.Floor()) // roots and time may have come meanwhile
	if err := s.fault("commit"); err != nil {
		return err
	}
	err := s.update(func(tx *bbolt.Tx) error {
		for d, k := range marks {
			if err := putRecord(tx, bucketBlobs, string(d), k); err != nil {
				return err
			}
		}
		if err := putRecord(tx, bucketMeta, "floor", f); err != nil {
			return err
		}
		return putRecord(tx, bucketMeta, "pointers", p)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.floor = f.merge(s.floor)
	s.mu.Unlock()
	if err := s.refresh(); err != nil { // it is on the disk: the screen need not wait for the copies
		return err
	}
	if err := s.fault("second floor"); err != nil {
		return err
	}
	s.writeFloor(f)
	if err := s.fault("copy index"); err != nil {
		return err
	}
	s.copyIndex()
	return nil
}

// Rollback makes the bundle before the live one live again and refuses the one that it left. The floor stays. It waits
// for no origin.
func (s *Store) Rollback(ctx context.Context) error {
	release, err := s.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	p := s.pointers()
	to := pointers{Active: p.Previous, Held: p.Active}
	if p.Held != "" && s.shows(p.Held) { // the disk refused to say that it was done
		to = p
	}
	if to.Active == "" {
		return errors.New("go back: there is no bundle before the live one on this player")
	}
	if _, err := s.manifest(to.Active); err != nil {
		return fmt.Errorf("go back: %w", err)
	}
	if err := s.commit(to, s.Floor(), nil); err != nil {
		return fmt.Errorf("go back: %w", err)
	}
	s.overtake()
	s.log.Info("bundle left for the one before", "left", to.Held.Short(), "live", to.Active.Short())
	return nil
}

// shows says whether a bundle is what the live view says. The index may be ahead of it: bbolt can fail after it has changed
// what is read.
func (s *Store) shows(d bundle.Digest) bool {
	live, _ := s.Live()
	return live.Digest == d
}

// manifest reads a manifest that was taken before.
func (s *Store) manifest(d bundle.Digest) (*bundle.Manifest, error) {
	m, _, err := s.manifestUnder(d)
	return m, err
}

// manifestUnder is manifest, and the newest root that allows it. It was signed by a publisher of its own time: a key that is
// revoked since does not take the picture off the screen.
func (s *Store) manifestUnder(d bundle.Digest) (m *bundle.Manifest, root int, err error) {
	b, err := readFile(s.path(d.ManifestPath()), bundle.MaxManifest)
	if err != nil {
		return nil, 0, fmt.Errorf("read manifest %s: %w", d.Short(), err)
	}
	if bundle.DigestOf(b) != d {
		return nil, 0, fmt.Errorf("manifest %s is damaged on the disk", d.Short())
	}
	t := s.Trust()
	if t == nil {
		return nil, 0, ErrNotPinned
	}
	m, err = t.Manifest(b)
	chain := t.Chain()
	for n := len(chain) - 1; err != nil && n > 0; n-- {
		old, oldErr := bundle.NewTrust(chain[:n])
		if oldErr != nil {
			break
		}
		if was, oldErr := old.Manifest(b); oldErr == nil {
			return was, n, nil
		}
	}
	return m, len(chain), err
}

// mark is how a blob's file looked when it was last found whole.
type mark struct {
	Size    int64     `json:"size"`
	Changed time.Time `json:"changed"` // the file's modification time
	Checked time.Time `json:"checked"`
}
