package agent_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/agent/health"
	"vitrine/render/scene"
)

// disk is a file system of its own.
func disk(t *testing.T) (dir string, remount func(how string)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system; the test needs a real one")
	}
	dir = t.TempDir()
	mount := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
			t.Skipf("no file system can be mounted here: %s", out)
		}
	}
	mount("-t", "tmpfs", "-o", "size=600m", "vitrine-test", dir)
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	return dir, func(how string) { t.Helper(); mount("-o", "remount,"+how, dir) }
}

func TestAReadOnlyDiskLeavesTheScreenOn(t *testing.T) {
	pub := bundletest.New(t)
	mounted, remount := disk(t)
	cfg := agent.Config{Dir: filepath.Join(mounted, "data"), Headless: "320x180", Renderer: renderer(t), Lang: "fr", Relay: dead(t)}
	c, stop := player(t, cfg)
	m := bundle.Manifest{Canvas: scene.Size{Width: 64, Height: 36}, Scenes: map[string]scene.Scene{"a": slide("media/a.png")}}
	file := pub.File(t, m, map[string][]byte{"media/a.png": plain(t, red)})
	if _, err := c.Import(t.Context(), file, strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	shows(t, c, red)
	stop()
	remount("ro")

	c, stop = player(t, cfg) // a worn card at the next start
	shows(t, c, red)
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if word := s.Checks["store"]; !strings.Contains(word, "lecture seule") || !strings.Contains(word, "Remplacez") {
		t.Errorf("the store's check says %q", word)
	}
	if _, err := c.Import(t.Context(), pub.File(t, m, map[string][]byte{"media/a.png": plain(t, blue)}), "", func(control.Step) {}); err == nil ||
		!strings.Contains(err.Error(), "waits until the disk can be written") {
		t.Errorf("a bundle that cannot be kept: %v", err)
	}
	stop()

	remount("rw")
	c, _ = player(t, cfg)
	if s, err = c.Status(t.Context()); err != nil || s.Checks["store"] != health.OK {
		t.Errorf("afterwards the store's check says %q, %v", s.Checks["store"], err)
	}
}

func TestAPlayerWithoutAnIdentityShowsItsCard(t *testing.T) {
	mounted, remount := disk(t)
	remount("ro")
	c, _ := player(t, agent.Config{Dir: filepath.Join(mounted, "data"), Headless: "320x180", Renderer: renderer(t), Lang: "en", Relay: dead(t)})
	until(t, "the card says what is wrong", func() bool {
		s, err := c.Status(t.Context())
		return err == nil && s.Renderer.Output != "" && strings.Contains(strings.Join(s.Notices, " "), "read-only") && s.Checks["relay"] != health.OK
	})
}
