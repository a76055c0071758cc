package agent_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/agent/schedule"
	"vitrine/agent/trigger"
)

func TestAPlayerDoesWhatIsDueAndIsSetOffByAProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	c, _ := player(t, agent.Config{Dir: dir, Headless: "320x180", Renderer: renderer(t), Lang: "en", TriggerListen: address})
	pub := bundletest.New(t)
	soon, quiet := time.Now().UTC().Add(8*time.Second), 30
	m := bundle.Manifest{Zone: "UTC", Schedule: schedule.Schedule{
		Defaults: schedule.Defaults{Fleet: []string{"red"}},
		Events:   []schedule.Event{{ID: "bell", Priority: 5, Items: []string{"blue"}, Trigger: &schedule.Trigger{On: []string{"http:bell"}, For: "3s"}}},
		Actions: []schedule.Action{{ID: "proof", Do: "screenshot", At: soon.Format("15:04:05"), Late: "1h"},
			{ID: "quiet", Do: "volume", Volume: &quiet, At: soon.Format("15:04:05"), Late: "1h"}, {ID: "nightly", Do: "reboot", At: soon.Add(-time.Hour).Format("15:04:05"), Late: "2h"}}}}
	file := pub.File(t, m, map[string][]byte{"media/red.png": plain(t, red), "media/blue.png": plain(t, blue)})
	if _, err := c.Import(t.Context(), file, strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	shows(t, c, red)
	token, err := os.ReadFile(filepath.Join(dir, trigger.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/trigger/bell", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	a, err := http.DefaultClient.Do(r)
	if err != nil || a.StatusCode != http.StatusNoContent {
		t.Fatalf("%v %v", a, err)
	}
	a.Body.Close()
	shows(t, c, blue)
	shows(t, c, red)
	var s control.Status
	action := func(id string) control.Action {
		i := slices.IndexFunc(s.Actions, func(a control.Action) bool { return a.ID == id })
		if i < 0 {
			return control.Action{}
		}
		return s.Actions[i]
	}
	until(t, "what was due is done", func() bool {
		if s, err = c.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		return action("proof").State == "done" && action("quiet").State == "done"
	})
	pictures, err := filepath.Glob(filepath.Join(dir, "screenshots", soon.Format("20060102T150405Z")+"-proof.png"))
	if err != nil || len(pictures) != 1 {
		t.Errorf("pictures: %q %v", pictures, err)
	}
	if n := action("nightly"); n.State != "" || n.Next.IsZero() {
		t.Errorf("a reboot that was due before the bundle came: %+v", n)
	}
	if _, known := s.Metrics["touch.idle"]; !known || s.Metrics["network.up"] == nil {
		t.Errorf("metrics: %v", s.Metrics)
	}
}
