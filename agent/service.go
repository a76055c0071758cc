package agent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vitrine/agent/health"
	"vitrine/render/scene"
)

const mostFaults = 8 // on the service page

// service is what a technician before the screen asks, with what is wrong.
func (a *Agent) service(lang string) scene.Card {
	s := a.Status()
	fr := strings.HasPrefix(lang, "fr")
	say := func(en, french string) string {
		if fr {
			return french
		}
		return en
	}
	c := scene.Card{Name: s.Name, Language: lang, Title: say("Service", "Maintenance")}
	add := func(en, french, value string) {
		if value != "" {
			c.Facts = append(c.Facts, [2]string{say(en, french), value})
		}
	}
	add("Player", "Lecteur", strings.TrimSpace(firstOf(s.Name, a.cfg.Name)+" "+s.ID))
	add("Address", "Adresse", ownAddress())
	add("Clock", "Horloge", s.Clock.Now.In(a.place()).Format("2006-01-02 15:04:05 MST")+", "+trustWord(s.Clock.Trust, fr))
	if b := s.Bundle; b != nil {
		add("Bundle", "Contenu", fmt.Sprintf("%s %d, %s", b.Stream, b.Seq, s.Issued.In(a.place()).Format("2006-01-02 15:04")))
	} else {
		add("Bundle", "Contenu", say("none", "aucun"))
	}
	add("Showing", "À l’écran", s.Showing.Scene)
	switch heard := a.advice.heard(); {
	case a.relay() == "":
		add("Relay", "Relais", say("none", "aucun"))
	case heard.IsZero():
		add("Relay", "Relais", say("not reached since the start", "pas joint depuis le démarrage"))
	default:
		add("Relay", "Relais", fmt.Sprintf(say("heard %s ago", "joint il y a %s"), time.Since(heard).Truncate(time.Second)))
	}
	free := fmt.Sprintf("%.1f", float64(s.Disk)/(1<<30))
	add("Disk", "Disque", say(free+" GiB free", strings.Replace(free, ".", ",", 1)+" Gio libres"))
	r := s.Renderer
	if r.Output == "" {
		add("Renderer", "Rendu", say("down", "arrêté"))
	} else {
		add("Renderer", "Rendu", fmt.Sprintf(say("%s %d × %d, %d / %d MiB", "%s %d × %d, %d / %d Mio"), r.Output, r.Width, r.Height, r.Memory>>20, r.Ceiling>>20))
		add("Decoding", "Décodage", map[bool]string{true: say("software", "logiciel"), false: r.Hwdec}[r.Hwdec == "" || r.Hwdec == "no"])
		add("Frames", "Images", fmt.Sprintf(say("%d shown, %d too late", "%d montrées, %d en retard"), r.Presented, r.Dropped))
	}
	add("Volume", "Volume", fmt.Sprintf("%d %%", s.Volume.Now))
	add("Version", "Version", s.Version)
	c.Notices = a.faults(s.Checks, s.Held, lang)
	return c
}

// faults are the checks that are not right and the items that are held back, in words: the player's language where it has
// them in both.
func (a *Agent) faults(checks, held map[string]string, lang string) (out []string) {
	a.advice.mu.Lock()
	relay := a.advice.relay
	a.advice.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		switch word := checks[name]; {
		case word == health.OK:
		case name == "relay" && relay != nil:
			out = append(out, strings.Join(relayWords(relay).in(lang), ". "))
		default:
			out = append(out, name+": "+word)
		}
	}
	for _, item := range slices.Sorted(maps.Keys(held)) {
		out = append(out, item+": "+held[item])
	}
	return out[:min(len(out), mostFaults)]
}

func trustWord(trust string, fr bool) string {
	if !fr {
		return trust
	}
	return firstOf(map[string]string{"trusted": "sûre", "held": "tenue", "estimated": "estimée", "none": "inconnue"}[trust], trust)
}

// place is the player's time zone.
func (a *Agent) place() *time.Location {
	live, _ := a.store.Live()
	zone := live.Settings.Zone
	if zone == "" && live.Manifest != nil {
		zone = live.Manifest.Zone
	}
	if loc, err := time.LoadLocation(zone); err == nil {
		return loc
	}
	return time.UTC
}
