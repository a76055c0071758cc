package siren_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/siren"
)

func at(clock string) time.Time {
	t, err := time.Parse(time.TimeOnly, clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2000, 1, 1, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// office is a publisher's, with a player far away.
type office struct {
	*bundletest.Publisher
	keep   *memos
	now    time.Time
	groups []string
	word   error
	siren  *siren.Siren
}

func open(t *testing.T) *office {
	o := &office{Publisher: bundletest.New(t), keep: &memos{m: map[string][]byte{}}, now: at("00:10:00")}
	o.boot(t)
	return o
}

// boot starts the player anew.
func (o *office) boot(t *testing.T) {
	t.Helper()
	s, err := siren.New(siren.Config{Keep: o.keep, Now: func() time.Time { return o.now }, Check: func(err error) { o.word = err },
		Trust: func() *bundle.Trust { return o.Publisher.Trust(t) }, Player: func() (string, []string) { return "p1", o.groups }})
	if err != nil {
		t.Fatal(err)
	}
	o.siren = s
}

// seal signs a message of the first day until an hour of it.
func (o *office) seal(t *testing.T, serial uint64, until, cap string, groups ...string) []byte {
	t.Helper()
	w := &bundle.Warning{Format: bundle.FormatWarning, Customer: o.Customer, Serial: serial, Root: len(o.Chain), Issued: at("00:00:00"), Expires: at(until), CAP: []byte(cap)}
	if groups != nil {
		w.Targets = &bundle.Targets{Groups: groups}
	}
	b, err := w.Seal(o.Key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// on are the identifiers of what stands.
func (o *office) on() string {
	var ids []string
	for _, a := range o.siren.Active("en", o.now) {
		ids = append(ids, a.Message.Identifier)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func (o *office) post(t *testing.T, envelope []byte) {
	t.Helper()
	if _, _, err := o.siren.Post(envelope, "relay"); err != nil {
		t.Fatal(err)
	}
}

func TestASignedWarningStandsUntilItIsCancelled(t *testing.T) {
	o := open(t)
	first := o.seal(t, 1, "12:00:00", message("1", "Alert", ""))
	w, fresh, err := o.siren.Post(first, "relay")
	if err != nil || !fresh || w.Serial != 1 || o.on() != "1" {
		t.Fatalf("%+v, fresh %v, %v; on is %q", w, fresh, err, o.on())
	}
	if _, fresh, err := o.siren.Post(first, "stick"); fresh || err != nil {
		t.Errorf("the same again: fresh %v, %v", fresh, err)
	}
	o.boot(t)
	if o.on() != "1" {
		t.Errorf("after a restart: %q", o.on())
	}
	cancel := o.seal(t, 2, "12:00:00", message("2", "Cancel", cancels))
	o.post(t, cancel)
	if o.on() != "" {
		t.Errorf("after the cancel: %q", o.on())
	}
	o.boot(t)
	o.post(t, first)
	if o.on() != "" {
		t.Error("the relay brought back what was cancelled")
	}
}

func TestACancelThatComesFirstWaitsForItsAlert(t *testing.T) {
	o := open(t)
	o.post(t, o.seal(t, 2, "12:00:00", message("2", "Cancel", cancels)))
	o.post(t, o.seal(t, 1, "12:00:00", message("1", "Alert", "")))
	if o.on() != "" {
		t.Errorf("on is %q", o.on())
	}
}

func TestAWarningIsForWhomItNamesNow(t *testing.T) {
	o := open(t)
	o.post(t, o.seal(t, 1, "12:00:00", message("1", "Alert", ""), "canteen"))
	if o.on() != "" {
		t.Errorf("on is %q", o.on())
	}
	o.groups = []string{"lobby", "canteen"}
	if o.on() != "1" {
		t.Error("the player came into the group and shows nothing")
	}
	o.boot(t)
	if o.groups = nil; o.on() != "" {
		t.Error("the targets are forgotten")
	}
}

func TestWhatIsNotThePublishersWordIsRefused(t *testing.T) {
	o, thief := open(t), open(t)
	late := o.seal(t, 3, "00:09:59", message("3", "Alert", ""))
	forged := thief.seal(t, 1, "12:00:00", message("1", "Alert", ""))
	bomb := `<!DOCTYPE a [<!ENTITY x "` + strings.Repeat("y", 1000) + `">]><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">&x;</alert>`
	for name, c := range map[string]struct {
		envelope []byte
		says     string
	}{
		"a forged one":               {forged, "0 of the publisher keys"},
		"one whose time is over":     {late, "over since 2000-01-01 00:09:59"},
		"a manifest":                 {o.Content(t, bundle.Manifest{}, map[string][]byte{"media/a.png": {1}}).Envelope, "manifest+json"},
		"a plain CAP message":        {[]byte("\xef\xbb\xbf\n" + message("1", "Alert", "")), "nobody has signed"},
		"an entity bomb, signed":     {o.seal(t, 4, "12:00:00", bomb), "document type"},
		"no CAP message, but signed": {o.seal(t, 5, "12:00:00", "hello"), "XML"},
		"a huge one":                 {[]byte(`{"payload":"` + strings.Repeat("A", bundle.MaxWarning) + `"}`), "is the most"},
		"nothing":                    {nil, "ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, fresh, err := o.siren.Post(c.envelope, "relay"); fresh && err == nil || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("fresh %v, %v; want a refusal that says %q", fresh, err, c.says)
			}
			if o.on() != "" {
				t.Errorf("on is %q", o.on())
			}
		})
	}
	if _, _, err := o.siren.Post(late, "relay"); !errors.Is(err, bundle.ErrExpired) {
		t.Errorf("a late one is not told apart: %v", err)
	}
	nobody, err := siren.New(siren.Config{Keep: o.keep})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := nobody.Post(forged, "stick"); !errors.Is(err, siren.ErrNobody) {
		t.Errorf("a player that trusts nobody says %v", err)
	}
}

func TestWhatTheRelayKeepsBackIsSaidUntilItComes(t *testing.T) {
	o := open(t)
	hand := func(state string, serials ...uint64) {
		t.Helper()
		before, _ := o.siren.Heard()
		for _, n := range serials {
			o.post(t, o.seal(t, n, "12:00:00", message(fmt.Sprint(n), "Alert", "")))
		}
		if err := o.siren.Caught(before, state, serials, nil); err != nil {
			t.Fatal(err)
		}
	}
	hand("a", 7) // the first that is heard: what was before is not this player's
	if o.word != nil {
		t.Fatal(o.word)
	}
	hand("b", 8, 11)
	if o.word == nil || !strings.Contains(o.word.Error(), "[9 10]") {
		t.Fatalf("the check says %v", o.word)
	}
	o.boot(t)
	hand("c", 9, 12)
	if o.word == nil || !strings.Contains(o.word.Error(), "[10]") {
		t.Fatalf("the check says %v", o.word)
	}
	o.post(t, o.seal(t, 10, "12:00:00", message("10", "Alert", ""))) // by stick
	hand("d", 13)
	if newest, state := o.siren.Heard(); o.word != nil || newest != 13 || state != "d" {
		t.Errorf("heard up to %d, state %q, the check says %v", newest, state, o.word)
	}
}

func TestManyWarningsLeaveABoundedMemory(t *testing.T) {
	o := open(t)
	before, _ := o.siren.Heard()
	var had []uint64
	for n := range uint64(40) {
		o.post(t, o.seal(t, n+1, "12:00:00", message(fmt.Sprint(n), "Alert", "")))
		had = append(had, n+1)
	}
	if err := o.siren.Caught(before, "s", had, nil); err != nil {
		t.Fatal(err)
	}
	o.post(t, o.seal(t, bundle.MaxSeq, "12:00:00", message("last", "Alert", ""))) // a publisher's slip, or a thief's fast-forward
	if err := o.siren.Caught(40, "t", []uint64{bundle.MaxSeq}, nil); err != nil || len(o.word.Error()) > 4096 {
		t.Errorf("%v, the check's %d characters", err, len(o.word.Error()))
	}
	o.post(t, o.seal(t, 41, "12:00:00", message("after", "Alert", "")))
	if !strings.Contains(o.on(), "after") {
		t.Error("after a fast-forward nothing is taken any more")
	}
}
