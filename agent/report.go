package agent

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/control"
	"vitrine/agent/health"
	"vitrine/agent/playout"
	"vitrine/agent/store"
	"vitrine/agent/uplink"
	"vitrine/cloud/api"
	"vitrine/render/scene"
)

// lowDisk is when the disk check speaks, bytes.
const lowDisk = 512 << 20

// checkUp looks at what has no part of its own to report it.
func (a *Agent) checkUp(live *store.Live) {
	var storeErr, diskErr, clockErr, renderErr, plugErr error
	if err := a.store.Failing(); err != nil {
		storeErr = sentence{strings.Join(diskWords(err).in(a.lang(live)), ". "), err}
	} else if live.Damaged {
		storeErr = fmt.Errorf("files of the bundle are missing or damaged; scenes %q are left out until they are fetched again", live.Missing)
	} else if live.NoWayBack {
		storeErr = errors.New("files of the bundle before this one are missing or damaged: going back would not show all of it, until the relay gives them again or another bundle comes")
	}
	if free, err := a.store.Disk(); err != nil {
		diskErr = err
	} else if free < lowDisk {
		diskErr = fmt.Errorf("%d MiB are free; a new bundle may not fit", free>>20)
	}
	st, _ := a.clock.State()
	if st.Trust != "trusted" && st.Trust != "held" {
		clockErr = fmt.Errorf("the time is %s: %s", st.Trust, st.Why())
	} else {
		a.checkEnds(live, st.Now)
	}
	switch p := a.playout.Status(); {
	case p.Fault != "":
		renderErr = fmt.Errorf("the renderer is down and is started again: %s", p.Fault)
	case p.Overweight:
		renderErr = fmt.Errorf("what is shown needs more memory than the renderer may have (%d MiB); show less at once, or raise --renderer-memory", a.cfg.RendererMemory>>20)
	case p.Output == "" && time.Since(a.begun) > 20*time.Second:
		renderErr = errors.New("the renderer is not running: see the log for why; is vitrine-render installed and is there a display?")
	}
	if p := a.playout.Status(); p.Output != "" && p.Unplugged {
		plugErr = errors.New("no display is connected: check the cable and whether the screen has power; what is scheduled goes on")
	}
	for name, err := range map[string]error{"store": storeErr, "disk": diskErr, "clock": clockErr, "renderer": renderErr, "connection": plugErr} {
		a.board.Set(name, err)
	}
}

// checkEnds looks at what was to be renewed by now. It counts and plays all the same.
func (a *Agent) checkEnds(live *store.Live, now time.Time) {
	if t := a.store.Trust(); t != nil {
		a.board.Set("keys", t.Due(now))
	}
	var over error
	if m := live.Manifest; m != nil && !m.Expires.IsZero() && now.After(m.Expires) {
		over = fmt.Errorf("version %d of %q was to be renewed by %s; it plays on: build and push a new one", m.Seq, m.Stream, m.Expires.Format(time.RFC3339))
	}
	a.board.Set("bundle", over)
}

// describe fills a heartbeat with what only the whole player knows.
func (a *Agent) describe(h *api.Heartbeat) {
	live, _ := a.store.Live()
	a.checkUp(live)
	p := a.playout.Status()
	st, _ := a.clock.State()
	checks := a.board.Checks()
	checks["relay"] = health.OK // for whoever reads this; the last word before may be of a cut that is over
	h.Version, h.Active, h.Now, h.Clock = bundle.AgentVersion, live.Pointer(), st.Now, string(st.Trust)
	h.Showing, h.Checks, h.Uptime = &p.Showing, checks, int64(time.Since(a.begun).Seconds())
	h.Metrics = map[string]any{"output": p.Output, "presented": p.Presented, "dropped": p.Dropped, "memory": ownMemory(),
		"renderer_memory": p.Memory, "renderer_ceiling": a.cfg.RendererMemory, "renderer_renewed": p.Renewed, "hwdec": p.Hwdec, "volume": volumeOf(a.playout.Volume()), "plays_dropped": a.store.Dropped()}
	if p.Skew != nil {
		h.Metrics["skew_ms"] = math.Round(*p.Skew*1e4) / 10
	}
	if deeds := a.deeds(); len(deeds) > 0 {
		h.Metrics["actions"] = deeds
	}
	h.Metrics["felt"] = a.felt(st.Now)
	if free, err := a.store.Disk(); err == nil {
		h.Metrics["disk_free"] = free
	}
	h.Stick = a.sticks.state()
	h.Warnings = &api.Heard{Standing: a.standing(st.Now)}
	a.tellSources(h)
}

// ownMemory is what the Go runtime has of the system's memory, bytes.
func ownMemory() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// Status implements the control socket's player.
func (a *Agent) Status() control.Status {
	live, _ := a.store.Live()
	a.checkUp(live)
	p := a.playout.Status()
	clock, _ := a.clock.State()
	s := control.Status{Name: live.Settings.Name, ID: live.Settings.ID, Version: bundle.AgentVersion, Uptime: int64(time.Since(a.begun).Seconds()),
		Relay: a.relay(), Bundle: live.Pointer(), Missing: live.Missing, Showing: p.Showing, Next: p.Next, Held: p.Quarantined,
		Rejected: p.Rejected, Clock: control.Clock{Trust: string(clock.Trust), Now: clock.Now, Why: firstOf(clock.Why(), clock.Service)}, Checks: a.board.Checks(),
		Renderer: control.Renderer{Output: p.Output, Fault: p.Fault, Width: p.Size.Width, Height: p.Size.Height, Presented: p.Presented, Dropped: p.Dropped,
			Hwdec: p.Hwdec, PID: p.PID, Memory: p.Memory, Ceiling: a.cfg.RendererMemory, Renewed: p.Renewed, Skew: p.Skew}}
	s.Stick = a.sticks.state()
	if a.me != nil {
		s.Public = a.me.Public()
		if to, err := a.me.Recipient(); err == nil {
			s.Seal = api.NewSeal(to, a.me.Key())
		}
	}
	s.Volume.Own, s.Volume.Now = a.playout.Volume()
	s.Actions, s.Metrics = a.deeds(), a.felt(clock.Now)
	if s.Name == "" {
		s.Name = a.cfg.Name
	}
	if p.Showing.Scene == playout.CardItem || p.Showing.Scene == "" {
		s.Notices = a.notices(live)
	}
	for _, w := range a.siren.Active(a.cfg.Lang, clock.Now) {
		s.Alerts = append(s.Alerts, fmt.Sprintf("%s: %s (%s, until %s)", w.Info.Severity, firstOf(w.Info.Headline, w.Info.Event), w.Message.Sender, w.Until.UTC().Format(time.RFC3339)))
	}
	if t := a.store.Trust(); t != nil {
		s.Publisher = strings.Join(bundle.Words(t.Chain()[0]), " ")
	}
	if free, err := a.store.Disk(); err == nil {
		s.Disk = free
	}
	if live.Manifest != nil {
		s.Issued, s.Sources = live.Manifest.Issued, map[string]control.Source{}
		for name := range live.Manifest.Sources {
			r, _ := a.sources.Result(name)
			s.Sources[name] = control.Source{Rows: len(r.Rows), Fetched: r.FetchedAt, Stale: r.Stale, Error: r.Err}
		}
	}
	if a.uplink != nil {
		s.Refused, s.Fetching = a.uplink.State()
		if c := a.uplink.Claim(); c != nil {
			s.Claim = &control.Claim{Code: c.Code, URL: c.URL, Words: c.Words}
		}
	}
	return s
}

// Shot implements the control socket's player.
func (a *Agent) Shot(ctx context.Context, path string, width int) error {
	return a.playout.Shot(ctx, path, width)
}

// Import implements the control socket's player: a bundle file or folder on this machine's disk, or a stick that somebody has
// mounted. A player that trusts nobody yet wants the publisher's four words.
func (a *Agent) Import(ctx context.Context, path, trust string, progress func(have, total int64)) (*api.Pointer, bool, error) {
	if _, err := os.Lstat(filepath.Join(path, "vitrine", "stick.json")); err == nil {
		return a.mounted(ctx, path, trust, progress)
	}
	archive, err := bundle.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer archive.Close()
	if a.store.Trust() == nil {
		if err := a.pin(archive.Roots(), trust); err != nil {
			return nil, false, err
		}
	}
	return a.take(ctx, store.FromArchive(archive), "import", progress)
}

// pin trusts a publisher whose words a person has given.
func (a *Agent) pin(roots [][]byte, trust string) error {
	if len(roots) == 0 {
		return errors.New("the bundle has no root key file; build it again with vitrine build")
	}
	words := strings.Join(bundle.Words(roots[0]), " ")
	given := strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(trust, "-", " "))), " ")
	switch {
	case given == "":
		return fmt.Errorf("this player trusts no publisher yet, and the bundle's has the words %q: if they are those that the publisher gave you, import again with --trust %q", words, words)
	case subtle.ConstantTimeCompare([]byte(given), []byte(words)) != 1:
		return fmt.Errorf("the bundle's publisher has the words %q, not %q: this is not the bundle that you were promised", words, given)
	}
	return a.store.Pin(roots)
}

func (a *Agent) take(ctx context.Context, from store.Origin, by string, progress func(have, total int64)) (*api.Pointer, bool, error) {
	got, err := a.store.Ingest(ctx, from, func(p store.Progress) { progress(p.Have, p.Total) })
	if err != nil {
		return nil, false, err
	}
	a.log.Info("bundle imported", "stream", got.Manifest.Stream, "seq", got.Manifest.Seq, "from", by, "changed", got.Changed)
	return &api.Pointer{Stream: got.Manifest.Stream, Seq: got.Manifest.Seq, Manifest: string(got.Digest), Root: got.Manifest.Root}, got.Changed, nil
}

func (a *Agent) claim() *uplink.Claim {
	if a.uplink == nil {
		return nil
	}
	return a.uplink.Claim()
}

// notice puts a sentence about a stick on the card; "" = nothing more to say of it.
func (a *Agent) notice(sentence string) {
	a.advice.setStick(sentence)
	a.showCard(a.claim())
}

// showCard says on the player's own page to whom it can be connected, and why there is nothing else; nil = nothing to claim.
func (a *Agent) showCard(c *uplink.Claim) {
	host, err := os.Hostname()
	if err != nil {
		host = "vitrine"
	}
	live, _ := a.store.Live()
	card := scene.Card{Name: firstOf(live.Settings.Name, a.cfg.Name, host), Language: a.cfg.Lang, Relay: a.relay(), Address: ownAddress(), Notices: a.notices(live)}
	if c != nil {
		card.Code, card.URL, card.Words = c.Code, c.URL, c.Words
	}
	a.playout.SetCard(card)
}

func firstOf(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// ownAddress is the player's address in its network, "" without one. Nothing is sent.
func ownAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	return ""
}

// DataDir is where a player keeps its data when it is not told.
func DataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/vitrine"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "vitrine")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "vitrine-data"
	}
	return filepath.Join(home, ".local", "state", "vitrine")
}
