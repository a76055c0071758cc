package agent_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/cloud/api"
	"vitrine/render/scene"
)

// quietTLS serves over TLS without a word about clients that turn away.
func quietTLS(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// dead is the address of a relay that does not answer.
func dead(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "https://" + l.Addr().String()
}

func TestTheCardSaysThatNothingOfTheContentCanBeShown(t *testing.T) {
	pub := bundletest.New(t)
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "320x180", Renderer: renderer(t), Lang: "fr"})
	m := bundle.Manifest{Canvas: scene.Size{Width: 64, Height: 36}, Scenes: map[string]scene.Scene{"a": slide("media/a.png")}}
	broken := pub.File(t, m, map[string][]byte{"media/a.png": []byte("this is not a picture")})
	if _, err := c.Import(t.Context(), broken, strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	until(t, "the card says so", func() bool {
		s, err := c.Status(t.Context())
		return err == nil && slices.Contains(s.Notices, "Il y a du contenu, mais rien ne peut être montré")
	})
}

func TestTheCardSaysWhyThereIsNothing(t *testing.T) {
	program := renderer(t)
	foreign := quietTLS(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	for name, c := range map[string]struct {
		cfg  agent.Config
		want string
	}{
		"the relay does not answer":                     {agent.Config{Relay: dead(t), Lang: "en"}, "The relay does not answer"},
		"the relay does not answer, in French":          {agent.Config{Relay: dead(t), Lang: "fr"}, "Le relais ne répond pas"},
		"the relay's certificate is not known":          {agent.Config{Relay: foreign, Lang: "en"}, "The relay’s certificate is not known here"},
		"the relay's certificate is not the pinned one": {agent.Config{Relay: foreign, Lang: "en", Trust: api.Trust{Pin: "sha256:" + strings.Repeat("0", 64)}}, "What answers is not the relay that was named"},
		"there is no relay":                             {agent.Config{Lang: "en"}, "Import a bundle: vitrine-player import"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := c.cfg
			cfg.Dir, cfg.Headless, cfg.Renderer = filepath.Join(t.TempDir(), "data"), "1280x720", program
			client, _ := player(t, cfg)
			until(t, "the card says "+c.want, func() bool {
				s, err := client.Status(t.Context())
				return err == nil && slices.Contains(s.Notices, c.want)
			})
		})
	}
}
