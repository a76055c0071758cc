package agent_test

import (
	"strings"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

func TestAStickOfARevokedPublisherSaysSoWhetherNewerOrFromTheDrawer(t *testing.T) {
	for lang, says := range map[string]string{"en": "signed with a key that has been revoked", "fr": "signée avec une clé révoquée"} {
		t.Run(lang, func(t *testing.T) {
			s := withPort(t, lang)
			stolen, drawer := *s.pub, *s.pub
			key, err := bundle.GenerateKey()
			if err != nil {
				t.Fatal(err)
			}
			s.pub.Key = key
			s.pub.NextRoot(t, nil)
			stolen.Chain = s.pub.Chain // its stick brings the root that revokes it
			for name, who := range map[string]*bundletest.Publisher{"newer": &stolen, "from the drawer": &drawer} {
				dir := onto(t, t.TempDir(), who.Content(t, bundle.Manifest{Seq: 99}, map[string][]byte{"a.png": plain(t, blue)}), nil)
				if name == "from the drawer" { // by then the player has the newer root
					if state, said := s.said(t, onto(t, t.TempDir(), s.content(t, 6, red, nil), nil)); state == "refused" {
						t.Fatal(said)
					}
				}
				if state, said := s.said(t, dir); state != "refused" || !strings.Contains(said, says) {
					t.Errorf("%s: %s, %q", name, state, said)
				}
			}
			shows(t, s.c, red)
		})
	}
}
