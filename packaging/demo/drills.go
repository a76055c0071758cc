package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Drill is one thing that is broken on purpose, and what came of it.
type Drill struct {
	Name  string  `json:"name"`
	OK    bool    `json:"ok"`
	Took  float64 `json:"took_ms,omitempty"` // until content was back, or the refusal was said
	Limit float64 `json:"limit_ms,omitempty"`
	Black int     `json:"black_frames"`
	Said  string  `json:"said"`
}

// drillMaster breaks things one after the other.
type drillMaster struct {
	*stage
	eye *eye
	out []Drill
}

// drill runs all drills on a stage that plays.
func drill(ctx context.Context, s *stage, e *eye) []Drill {
	m := &drillMaster{stage: s, eye: e, out: []Drill{}}
	older := m.path("older.vitrine")
	_, early := m.vitrine(ctx, "build", m.path("lobby"), "--keys", m.path("keys"), "-o", older)
	m.try("the relay is killed: the player goes on", 0, func() (time.Duration, string, error) { return m.killRelay(ctx) })
	m.try("the player is killed and started without a relay", 3*time.Second, func() (time.Duration, string, error) { return m.killPlayer(ctx) })
	m.try("the renderer is killed", 2*time.Second, func() (time.Duration, string, error) { return m.killRenderer(ctx) })
	m.try("the relay comes back: the player finds it", 0, func() (time.Duration, string, error) { return m.relayBack(ctx) })
	m.try("a second bundle is pushed", 2*time.Second, func() (time.Duration, string, error) { return m.push(ctx) })
	for _, r := range m.refusals(older) {
		m.try(r.name, 0, func() (time.Duration, string, error) {
			if early != nil {
				return 0, "", early
			}
			return m.refused(ctx, r)
		})
	}
	return m.out
}

// try runs one drill, and prints its line. A limit of 0 is none.
func (m *drillMaster) try(name string, limit time.Duration, do func() (time.Duration, string, error)) {
	m.eye.mark()
	took, said, err := do()
	d := Drill{Name: name, OK: err == nil, Took: ms(took), Limit: ms(limit), Black: m.eye.mark().Black, Said: said}
	switch {
	case err != nil:
		d.Said = err.Error()
	case limit > 0 && took > limit:
		d.OK, d.Said = false, fmt.Sprintf("it took %.0f ms, more than %.0f", d.Took, d.Limit)
	case d.Black > 0:
		d.OK, d.Said = false, fmt.Sprintf("%d black frames", d.Black)
	}
	m.out = append(m.out, d)
	verdict := "PASS"
	if !d.OK {
		verdict = "FAIL"
	}
	figure := ""
	if took > 0 {
		figure = fmt.Sprintf("%.0f ms", d.Took)
	}
	fmt.Printf("%s  %-52s %9s  black %d  %s\n", verdict, name, figure, d.Black, d.Said)
}

// killRelay kills the relay; three items must come while it is away.
func (m *drillMaster) killRelay(ctx context.Context) (time.Duration, string, error) {
	m.relay.stop(syscall.SIGKILL, 5*time.Second)
	m.eye.mark()
	for range 3 {
		was := m.eye.now().Mark.Item
		if _, err := m.eye.wait(ctx, 20*time.Second, "the next item", func(l look) bool { return l.OK && l.Mark.Item != was }); err != nil {
			return 0, "", err
		}
	}
	return 0, fmt.Sprintf("%d further items came", len(m.eye.mark().Items)-1), nil
}

// killPlayer kills the player with all that it has started, as a power cut would, and starts it with no relay to be had.
func (m *drillMaster) killPlayer(ctx context.Context) (time.Duration, string, error) {
	_ = syscall.Kill(-m.player.cmd.Process.Pid, syscall.SIGKILL)
	<-m.player.ended
	begin := time.Now()
	if err := m.startPlayer(); err != nil {
		return 0, "", err
	}
	l, err := m.eye.fresh(ctx, 30*time.Second)
	return l.At.Sub(begin), "plays from its store", err
}

// killRenderer kills the renderer alone.
func (m *drillMaster) killRenderer(ctx context.Context) (time.Duration, string, error) {
	pid, err := child(m.player.cmd.Process.Pid, "vitrine-render")
	if err != nil {
		return 0, "", err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return 0, "", fmt.Errorf("kill the renderer: %w", err)
	}
	begin := time.Now()
	l, err := m.eye.fresh(ctx, 30*time.Second)
	if err != nil {
		return 0, "", err
	}
	next, err := child(m.player.cmd.Process.Pid, "vitrine-render")
	if err == nil && next == pid {
		err = fmt.Errorf("process %d was killed and is still there", pid)
	}
	return l.At.Sub(begin), "content moves again", err
}

// relayBack starts the relay again and waits for the player's heartbeat.
func (m *drillMaster) relayBack(ctx context.Context) (time.Duration, string, error) {
	begin := time.Now()
	if err := m.startRelay(); err != nil {
		return 0, "", err
	}
	err := m.poll(ctx, 90*time.Second, func() (bool, error) {
		all, err := m.players(ctx)
		return err == nil && len(all) == 1 && all[0].Seen.After(begin), err
	})
	return time.Since(begin), "its heartbeat is there", err
}

// push publishes the second bundle: it must be on the screen soon after push has returned, and from then on nothing else.
func (m *drillMaster) push(ctx context.Context) (time.Duration, string, error) {
	late := newsreel().ID
	file := m.path("late.vitrine")
	if _, err := m.vitrine(ctx, "build", m.path("late"), "--keys", m.path("keys"), "--after", "10", "-o", file); err != nil {
		return 0, "", err
	}
	begin, done := time.Now(), make(chan error, 1)
	m.eye.mark()
	var returned time.Time
	go func() {
		_, err := m.vitrine(ctx, "push", file)
		returned = time.Now()
		done <- err
	}()
	l, err := m.eye.wait(ctx, 60*time.Second, "the second bundle", func(l look) bool { return l.OK && l.Mark.Item == late })
	if pushed := <-done; pushed != nil {
		return 0, "", pushed
	}
	if err != nil {
		return 0, "", err
	}
	// Two turns of its one scene: old content must not come again.
	if _, err := m.eye.wait(ctx, 30*time.Second, "its second turn", func(now look) bool { return now.At.Sub(l.At) > 6*time.Second }); err != nil {
		return 0, "", err
	}
	items := m.eye.mark().Items
	if first := slices.Index(items, late); slices.ContainsFunc(items[first:], func(id int) bool { return id != late }) {
		return 0, "", fmt.Errorf("old and new took turns: items %v", items)
	}
	took := max(0, l.At.Sub(returned))
	return took, fmt.Sprintf("push took %.1f s; nothing old came after the new", returned.Sub(begin).Seconds()), nil
}

// refusal is something that must not get through.
type refusal struct {
	name string
	want []string // that the sentence must hold
	make func(ctx context.Context) error
}

// refusals are attempts; each leaves what is on the screen.
func (m *drillMaster) refusals(older string) []refusal {
	build := func(ctx context.Context, folder, keys, file string) error {
		_, err := m.vitrine(ctx, "build", m.path(folder), "--keys", m.path(keys), "--after", "20", "-o", m.path(file))
		return err
	}
	spoil := func(old, with string) func(context.Context) error {
		return func(ctx context.Context) error {
			spoilt := strings.Replace(newsYAML, old, with, 1)
			if err := files(m.path("spoilt"), map[string]string{"bundle.yaml": spoilt}); err != nil {
				return err
			}
			return build(ctx, "spoilt", "keys", "spoilt.vitrine")
		}
	}
	bring := func(ctx context.Context, file string) error {
		_, err := m.run(ctx, "vitrine-player", "import", "--data", m.path("player"), file)
		return err
	}
	return []refusal{
		{"an unknown field in bundle.yaml is refused", []string{"bundle.yaml:8:", "sceens"}, spoil("    for: 4s", "    sceens: 4s")},
		{"a missing medium is refused", []string{"bundle.yaml:10:", "no file media/news.jpg"}, spoil("", "")},
		{"a bundle with a wrong signature is refused", []string{"another publisher"}, func(ctx context.Context) error {
			if _, err := m.vitrine(ctx, "key", "new", "--dir", m.path("strangers"), "--customer", "atelier-nord"); err != nil {
				return fmt.Errorf("the drill itself: %w", err)
			}
			if err := build(ctx, "late", "strangers", "stranger.vitrine"); err != nil {
				return fmt.Errorf("the drill itself: %w", err)
			}
			return bring(ctx, m.path("stranger.vitrine"))
		}},
		{"a truncated bundle is refused", []string{"not complete"}, func(ctx context.Context) error {
			if err := build(ctx, "late", "keys", "short.vitrine"); err != nil {
				return fmt.Errorf("the drill itself: %w", err)
			}
			st, err := os.Stat(m.path("short.vitrine"))
			if err == nil {
				err = os.Truncate(m.path("short.vitrine"), st.Size()*2/3)
			}
			if err != nil {
				return fmt.Errorf("the drill itself: %w", err)
			}
			return bring(ctx, m.path("short.vitrine"))
		}},
		{"an older bundle is refused", []string{"older"}, func(ctx context.Context) error { return bring(ctx, older) }},
	}
}

// refused makes an attempt: it must fail with a sentence, and the screen must go on as it was.
func (m *drillMaster) refused(ctx context.Context, r refusal) (time.Duration, string, error) {
	err := r.make(ctx)
	if err == nil {
		return 0, "", fmt.Errorf("it was taken")
	}
	for _, want := range append(r.want, "") {
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "the drill itself") {
			return 0, "", fmt.Errorf("refused for another reason than %q: %w", want, err)
		}
	}
	was := newsreel().ID
	if l := m.eye.now(); !l.OK || l.Mark.Item != was {
		return 0, "", fmt.Errorf("it was refused (%v), but item %d is on the screen instead of %d", err, l.Mark.Item, was)
	}
	said, _, _ := strings.Cut(err.Error(), "\n")
	return 0, strings.ReplaceAll(said, m.dir+"/", ""), nil
}

// child finds a process by its parent and its name.
func child(parent int, name string) (int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		pid, rest, _ := strings.Cut(string(b), " (")
		comm, rest, _ := strings.Cut(rest, ") ")
		f := strings.Fields(rest)
		if len(f) > 1 && f[1] == strconv.Itoa(parent) && strings.HasPrefix(name, comm) && f[0] != "Z" {
			return strconv.Atoi(pid)
		}
	}
	return 0, fmt.Errorf("process %d has no child called %s", parent, name)
}

// memory is what our programs hold, bytes, what they share with others counted in parts.
func (s *stage) memory() map[string]int64 {
	out := map[string]int64{"vitrine-player": proportional(s.player.cmd.Process.Pid), "vitrine-relay": proportional(s.relay.cmd.Process.Pid)}
	if pid, err := child(s.player.cmd.Process.Pid, "vitrine-render"); err == nil {
		out["vitrine-render"] = proportional(pid)
	}
	return out
}
