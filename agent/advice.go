package agent

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/playout"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// settling is how long a new bundle has before the card says that nothing of it can be shown.
const settling = 5 * time.Second

// advice is what the player's own page says of why there is nothing else, and what to do about it.
type advice struct {
	mu     sync.Mutex
	spoke  time.Time     // the relay has last answered; zero = not since the start
	relay  error         // the relay's last failure; nil = it answers, or was not tried yet
	stick  string        // of the last stick; "" = nothing
	digest bundle.Digest // of the live bundle
	since  time.Time     // it is live; zero = it was already when the player started
}

func (v *advice) setRelay(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.relay = err; err == nil {
		v.spoke = time.Now()
	}
}

// heard is when the relay has last answered.
func (v *advice) heard() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.spoke
}

func (v *advice) setStick(sentence string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stick = sentence
}

// bundle takes which bundle is live; settled says that it has had its time to come up.
func (v *advice) bundle(d bundle.Digest) (settled bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d != v.digest {
		v.digest, v.since = d, time.Now()
	}
	return time.Since(v.since) > settling
}

// words are two-language sentences for a technician before the screen: each fits into one line of a portrait screen.
type words struct{ en, fr []string }

func (w words) in(lang string) []string {
	if strings.HasPrefix(strings.ToLower(lang), "fr") {
		return w.fr
	}
	return w.en
}

// notices are the card's, the most pressing first; none while all is well.
func (a *Agent) notices(live *store.Live) []string {
	settled := a.advice.bundle(live.Digest)
	a.advice.mu.Lock()
	stick, relay := a.advice.stick, a.advice.relay
	a.advice.mu.Unlock()
	lang := a.lang(live)
	var out []string
	if err := a.store.Failing(); err != nil {
		out = append(out, diskWords(err).in(lang)...)
	}
	if stick != "" {
		out = append(out, stick)
	}
	switch {
	case live.Manifest != nil && settled && a.playout.Status().Showing.Scene == playout.CardItem:
		out = append(out, words{[]string{"There is content, but nothing of it can be shown now"}, []string{"Il y a du contenu, mais rien ne peut être montré"}}.in(lang)...)
	case live.Manifest != nil:
		out = append(out, words{[]string{"The content is being prepared"}, []string{"Le contenu se prépare"}}.in(lang)...)
	case relay != nil:
		out = append(out, relayWords(relay).in(lang)...)
	case a.relay() == "" && stick == "" && a.cfg.Sticks:
		out = append(out, words{[]string{"No content yet", "Plug in a stick with content, or import a bundle"}, []string{"Aucun contenu pour l’instant", "Branchez une clé USB ou importez du contenu"}}.in(lang)...)
	case a.relay() == "" && stick == "":
		out = append(out, words{[]string{"No content yet", "Import a bundle: vitrine-player import"}, []string{"Aucun contenu pour l’instant", "Importez du contenu : vitrine-player import"}}.in(lang)...)
	}
	return out
}

// lang is the language of what the player says to people before it.
func (a *Agent) lang(live *store.Live) string {
	if live.Manifest != nil {
		return firstOf(live.Settings.Locale, live.Manifest.Locale, a.cfg.Lang)
	}
	return firstOf(live.Settings.Locale, a.cfg.Lang)
}

// relayWords says what is wrong with the relay, and what to do about it.
func relayWords(err error) words {
	var foreign x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var p *api.Problem
	switch {
	case errors.As(err, &host):
		return words{[]string{"The relay’s certificate is not for this address", "Check the address given with --relay"},
			[]string{"Le certificat du relais est pour une autre adresse", "Vérifiez l’adresse donnée avec --relay"}}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return words{[]string{"The relay’s certificate does not fit the date", "Check the date of this player and of the relay"},
			[]string{"La date ne va pas avec le certificat du relais", "Vérifiez la date de cet écran et du relais"}}
	case errors.Is(err, api.ErrRelayUnproven):
		return words{[]string{"What answers is not the relay that was named", "Compare --relay-pin with vitrine-relay ca"},
			[]string{"Ce qui répond n’est pas le relais indiqué", "Comparez --relay-pin avec vitrine-relay ca"}}
	case errors.As(err, &foreign):
		return words{[]string{"The relay’s certificate is not known here", "Start the player with --relay-pin"},
			[]string{"Le certificat du relais est inconnu ici", "Démarrez le lecteur avec --relay-pin"}}
	case errors.As(err, &p):
		return words{[]string{fmt.Sprintf("The relay answers with error %d", p.Status), "Check its address and its log"},
			[]string{fmt.Sprintf("Le relais répond par l’erreur %d", p.Status), "Vérifiez son adresse et son journal"}}
	}
	return words{[]string{"The relay does not answer", "Check the network cable and the address"},
		[]string{"Le relais ne répond pas", "Vérifiez le câble réseau et l’adresse"}}
}
