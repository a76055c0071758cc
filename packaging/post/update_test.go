package post

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// version makes programs of a version; a renderer that is broken when asked for.
func (d *desk) version(v string, broken bool) string {
	d.t.Helper()
	dir := filepath.Join(d.t.TempDir(), v)
	if err := goBuild(filepath.Join(dir, "vitrine-player"), "agent/cmd/vitrine-player", v); err != nil {
		d.t.Fatal(err)
	}
	render, err := os.ReadFile(filepath.Join(bin, "vitrine-render"))
	if broken {
		render = []byte("#!/bin/sh\nexit 1\n")
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "vitrine-render"), render, 0o755)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return dir
}

// updates writes a stick with an update.
func (d *desk) updates(dir string, more ...string) string {
	d.t.Helper()
	stick := d.t.TempDir()
	d.run("", "vitrine", append([]string{"parcel", "update", dir, "--version", filepath.Base(dir), "--keys", d.keys, "--stick", stick}, more...)...)
	return stick
}

func TestAnUpdateRunsWhenItShowsSomethingAndElseTheOneBeforeComesBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	data := filepath.Join(t.TempDir(), "player")
	p := d.player(data, "--update-trial", "15s")
	p.trusted(d.bundle("1"))
	first := p.shows("it runs", func(status) bool { return true }).Version
	pid := p.cmd.Process.Pid

	good := d.version("1.1.0", false)
	_, _, _ = d.try("", "vitrine-player", "import", d.updates(good), "--data", data) // the player may end before it has answered
	p.shows("the new version shows the bundle", func(s status) bool { return s.Version == "1.1.0" && s.Bundle != nil && s.Renderer.Presented > 0 })
	state := func() string {
		b, err := os.ReadFile(filepath.Join(data, "programs", "state.json"))
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	until(t, "the new version stays", func() bool {
		return strings.Contains(state(), `"active": "1.1.0"`) && !strings.Contains(state(), `"trial"`)
	})
	if p.cmd.Process.Pid != pid || len(p.done) > 0 {
		t.Error("the process ended: whoever supervises it would have seen a crash")
	}
	p.kill()
	p = d.player(data, "--update-trial", "15s")
	p.shows("the new version runs after a cut", func(s status) bool { return s.Version == "1.1.0" })

	bad := d.version("1.2.0", true)
	_, _, _ = d.try("", "vitrine-player", "import", d.updates(bad), "--data", data)
	until(t, "the version that shows nothing is left", func() bool { return strings.Contains(state(), `"1.2.0": "it showed nothing`) })
	p.shows("the version before shows the bundle", func(s status) bool { return s.Version == "1.1.0" && s.Renderer.Presented > 0 })

	older := d.updates(d.version("1.0.0", false))
	d.refuses("never go down", "", "vitrine-player", "import", older, "--data", data)
	forged := t.TempDir()
	other := newDesk(t)
	other.run("", "vitrine", "parcel", "update", good, "--version", "1.1.0", "--keys", other.keys, "--stick", forged)
	d.refuses("have signed", "", "vitrine-player", "import", forged, "--data", data)
	_, _, _ = d.try("", "vitrine-player", "import", d.updates(filepath.Join(filepath.Dir(good), "1.1.0")), "--data", data) // it runs already: nothing
	p.shows("nothing has changed", func(s status) bool { return s.Version == "1.1.0" })
	if first == "1.1.0" {
		t.Error("the first version was the new one")
	}
}

// The player is killed as soon as a step of an update is seen on the disk, and started again.
func TestAPlayerKilledAtAnyStepOfAnUpdateRunsOneVersionOrTheOther(t *testing.T) {
	if !*kills {
		t.Skip("add -kills")
	}
	d := newDesk(t)
	bundle, dir := d.bundle("1"), d.version("1.1.0", false)
	stick := d.updates(dir)
	has := func(data string, names ...string) bool {
		_, err := os.Stat(filepath.Join(append([]string{data, "programs"}, names...)...))
		return err == nil
	}
	says := func(data, word string) bool {
		b, err := os.ReadFile(filepath.Join(data, "programs", "state.json"))
		return err == nil && strings.Contains(string(b), word)
	}
	for name, step := range map[string]func(data string) bool{
		"at once":                           func(string) bool { return true },
		"the folder is made":                func(data string) bool { return has(data, "1.1.0.part") },
		"the first program is begun":        func(data string) bool { return has(data, "1.1.0.part", "vitrine-player") },
		"the second program is begun":       func(data string) bool { return has(data, "1.1.0.part", "vitrine-render") },
		"the folder is in its place":        func(data string) bool { return has(data, "1.1.0") },
		"the version is active":             func(data string) bool { return says(data, `"active": "1.1.0"`) },
		"its start was counted":             func(data string) bool { return says(data, `"starts": 1`) },
		"it has shown something, and stays": func(data string) bool { return says(data, `"active": "1.1.0"`) && !says(data, `"trial"`) },
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "player")
			p := d.player(data)
			p.trusted(bundle)
			imported := make(chan struct{})
			go func() {
				defer close(imported)
				_, _, _ = d.try("", "vitrine-player", "import", stick, "--data", data) // cut off
			}()
			for !step(data) { // as fast as can be
				select {
				case <-p.done:
					t.Fatal("the player ended by itself")
				default:
				}
			}
			p.kill()
			<-imported
			p = d.player(data)
			s := p.shows("a version shows the bundle after the cut", func(s status) bool { return s.Bundle != nil && s.Renderer.Presented > 0 })
			t.Logf("cut when %s: version %s runs", name, s.Version)
			_, _, _ = d.try("", "vitrine-player", "import", stick, "--data", data) // the technician plugs it in again
			p.shows("the new version shows the bundle in the end", func(s status) bool { return s.Version == "1.1.0" && s.Renderer.Presented > 0 })
			p.kill()
		})
	}
}
