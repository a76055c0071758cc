package agent_test

import (
	"path/filepath"
	"testing"
	"time"

	"vitrine/agent"
)

func TestAPortraitScreenIsThatOfThePlayerToo(t *testing.T) {
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "320x180", Renderer: renderer(t), Lang: "en",
		Screen: map[string]string{"rotate": "right"}})
	end := time.Now().Add(time.Minute)
	for {
		s, err := c.Status(t.Context())
		if err == nil && s.Renderer.Output != "" {
			if s.Renderer.Width != 180 || s.Renderer.Height != 320 {
				t.Errorf("the screen has %d×%d, want it turned", s.Renderer.Width, s.Renderer.Height)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("there is no renderer: %+v, %v", s, err)
		}
		time.Sleep(50 * time.Millisecond) // a status is asked for, not waited for
	}
}
