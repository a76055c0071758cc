package bundle

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/render/scene"
)

// AgentVersion is the version of the player that this package belongs to; a manifest that needs a newer one is refused
// with a *NewerError. It is a variable only so that a build can be stamped: -ldflags "-X vitrine/agent/bundle.AgentVersion=1.2.3".
var AgentVersion = "0.1.0"

// AgentDate is a day that was past when that version was released, raised with it: a player whose clock says 1970 counts from
// here. The build's own time is not in the program, so that equal sources give equal programs.
func AgentDate() time.Time { return time.Date(2026, time.November, 21, 0, 0, 0, 0, time.UTC) }

// Bounds of what a manifest may ask of a player.
const (
	maxFiles = 100_000
	maxPath  = 200 // bytes of a bundle path
	// MaxBlob is the most bytes that a blob may have: MaxSegments of MaxSegment.
	MaxBlob = int64(MaxSegments) * MaxSegment
)

// Validate checks everything about a manifest that can be known without its blobs. A manifest that passes cannot make a
// player read outside of its store, or show what is not there.
func (m *Manifest) Validate() error {
	switch {
	case m.Format != FormatManifest:
		return fmt.Errorf("its format is %q; this program knows %q", m.Format, FormatManifest)
	case !name.MatchString(m.Customer):
		return fmt.Errorf("the customer's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", m.Customer)
	case !name.MatchString(m.Stream):
		return fmt.Errorf("the bundle's id %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", m.Stream)
	case m.Seq < 1 || m.Seq > MaxSeq:
		return fmt.Errorf("its serial %d is not within 1 to %d", m.Seq, uint64(MaxSeq))
	case m.Root < 1 || m.Root > maxRoots:
		return fmt.Errorf("its root version %d is not within 1 to %d", m.Root, maxRoots)
	case m.Agent != "" && parseVersion(m.Agent) == nil:
		return fmt.Errorf("the player's version %q is not three numbers", m.Agent)
	}
	if m.Previous != "" {
		if _, err := ParseDigest(string(m.Previous)); err != nil {
			return fmt.Errorf("previous manifest: %w", err)
		}
	}
	if m.Zone != "" {
		if _, err := time.LoadLocation(m.Zone); err != nil || m.Zone == "Local" {
			return fmt.Errorf("zone %q is not an IANA time zone", m.Zone)
		}
	}
	return errors.Join(checkInstant("issued", m.Issued, false), checkInstant("expires", m.Expires, true),
		m.validateBlobs(), m.validateFiles(), m.validateSources(), m.validateScenes(), m.validateSchedule())
}

func (m *Manifest) validateBlobs() error {
	last := Digest("")
	for _, b := range m.Blobs {
		if b.Digest <= last {
			return fmt.Errorf("blob %s is listed twice or out of order", b.Digest.Short())
		}
		last = b.Digest
		if err := b.validate(); err != nil {
			return fmt.Errorf("blob %.12s: %w", b.Digest, err)
		}
	}
	return nil
}

func (b Blob) validate() error {
	if _, err := ParseDigest(string(b.Digest)); err != nil {
		return err
	}
	switch {
	case b.Size < 1 || b.Size > MaxBlob:
		return fmt.Errorf("its size %d is not within 1 to %d", b.Size, MaxBlob)
	case b.Encryption != "":
		return fmt.Errorf("its encryption %q is not known to this player", b.Encryption)
	case len(b.Type) > 100:
		return errors.New("its media type is too long")
	case b.Segment == 0 && len(b.Segments) > 0:
		return errors.New("it has segments without a length")
	case b.Segment == 0 && b.Size > MaxSegment:
		return fmt.Errorf("%d bytes without segments; %d are the most", b.Size, int64(MaxSegment))
	case b.Segment == 0:
		return nil
	case b.Segment < MinSegment || b.Segment > MaxSegment || b.Segment&(b.Segment-1) != 0:
		return fmt.Errorf("its segments' length %d is not a power of two from %d to %d", b.Segment, MinSegment, MaxSegment)
	case b.Size <= b.Segment:
		return errors.New("it has segments but fits into one")
	}
	if want := (b.Size + b.Segment - 1) / b.Segment; int64(len(b.Segments)) != want || want > MaxSegments {
		return fmt.Errorf("it has %d segments; its size makes %d, of which %d are allowed", len(b.Segments), want, MaxSegments)
	}
	for _, d := range b.Segments {
		if _, err := ParseDigest(string(d)); err != nil {
			return fmt.Errorf("segment: %w", err)
		}
	}
	return nil
}

func (m *Manifest) validateFiles() error {
	if len(m.Files) > maxFiles {
		return fmt.Errorf("it has %d files; %d are the most", len(m.Files), maxFiles)
	}
	used := map[Digest]bool{}
	for _, p := range slices.Sorted(maps.Keys(m.Files)) {
		if err := CheckPath(p); err != nil {
			return err
		}
		if _, ok := m.Blob(m.Files[p]); !ok {
			return fmt.Errorf("file %q names a blob that is not listed", p)
		}
		used[m.Files[p]] = true
	}
	for _, b := range m.Blobs {
		if !used[b.Digest] {
			return fmt.Errorf("blob %s belongs to no file", b.Digest.Short())
		}
	}
	return nil
}

// CheckPath refuses bundle paths that are not plain: relative, with "/", without "." or ".." parts, backslashes, colons
// or control characters, at most 200 bytes of UTF-8.
func CheckPath(p string) error {
	plain := p != "" && p != "." && len(p) <= maxPath && utf8.ValidString(p) && path.Clean(p) == p && !strings.HasPrefix(p, "/") &&
		p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsFunc(p, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == '\\' || r == ':'
	})
	if !plain {
		return fmt.Errorf("%q is not a plain path within the bundle, such as media/a.mp4", p)
	}
	return nil
}

func (m *Manifest) validateSchedule() error {
	var faults []string
	check := func(where string, items []string) {
		for _, item := range items {
			if _, ok := m.Scenes[item]; !ok {
				faults = append(faults, fmt.Sprintf("%s: %q is not a scene", where, item))
			}
		}
	}
	seen := map[string]bool{}
	for _, e := range m.Schedule.Events {
		if !name.MatchString(e.ID) || seen[e.ID] {
			faults = append(faults, fmt.Sprintf("event %q: its id is missing, doubled or not a plain name", e.ID))
		}
		seen[e.ID] = true
		check("event "+strconv.Quote(e.ID), e.Items)
	}
	d := m.Schedule.Defaults
	check("defaults", d.Fleet)
	for _, id := range slices.Sorted(maps.Keys(d.Group)) {
		check("defaults of group "+strconv.Quote(id), d.Group[id])
	}
	for _, id := range slices.Sorted(maps.Keys(d.Device)) {
		check("defaults of device "+strconv.Quote(id), d.Device[id])
	}
	check("fallback", m.Fallback)
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// Blob finds a blob of the manifest.
func (m *Manifest) Blob(d Digest) (Blob, bool) {
	i, ok := slices.BinarySearchFunc(m.Blobs, d, func(b Blob, d Digest) int { return strings.Compare(string(b.Digest), string(d)) })
	if !ok {
		return Blob{}, false
	}
	return m.Blobs[i], true
}

// Size is the bytes of all blobs together.
func (m *Manifest) Size() int64 {
	var n int64
	for _, b := range m.Blobs {
		n += b.Size
	}
	return n
}

// zoneStyle is the style of a zone's widget, if it has one.
func zoneStyle(z scene.Zone) scene.Style {
	switch {
	case z.Text != nil:
		return z.Text.Style
	case z.Ticker != nil:
		return z.Ticker.Style
	case z.Clock != nil:
		return z.Clock.Style
	case z.Countdown != nil:
		return z.Countdown.Style
	case z.Table != nil:
		return z.Table.Style
	case z.Chart != nil:
		return z.Chart.Style
	case z.Cards != nil:
		return z.Cards.Style
	case z.Weather != nil:
		return z.Weather.Style
	case z.Calendar != nil:
		return z.Calendar.Style
	}
	return scene.Style{}
}

// zoneFonts are all fonts that a zone names.
func zoneFonts(z scene.Zone) []string {
	fonts := slices.Clone(zoneStyle(z).Font)
	if z.Text != nil {
		for _, s := range z.Text.Spans {
			fonts = append(fonts, s.Font...)
		}
	}
	return fonts
}

// parseVersion reads "1.2.3"; nil when it is not that.
func parseVersion(s string) []int {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return nil
	}
	var v []int
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return nil
		}
		v = append(v, int(n))
	}
	return v
}

// compareVersions orders two versions; what is not a version comes first.
func compareVersions(a, b string) int { return slices.Compare(parseVersion(a), parseVersion(b)) }
