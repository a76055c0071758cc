package alert_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/alert"
)

func noon() time.Time { return instant("2027-01-04T12:00:00Z") }

// message makes one that was sent so many minutes after noon.
func message(kind alert.Type, id string, minute int, refs ...*alert.Message) *alert.Message {
	m := &alert.Message{Version: "1.2", Identifier: id, Sender: "warn@example.org", Sent: noon().Add(time.Duration(minute) * time.Minute),
		Status: alert.Actual, Type: kind, Scope: alert.Public, Infos: []alert.Info{{Language: "fr", Severity: "Severe", Headline: id}}}
	for _, r := range refs {
		m.References = append(m.References, alert.Reference{Sender: r.Sender, Identifier: r.Identifier, Sent: r.Sent})
	}
	return m
}

// with changes a message.
func with(m *alert.Message, change func(m *alert.Message)) *alert.Message {
	change(m)
	return m
}

func take(t testing.TB, b *alert.Book, messages ...*alert.Message) {
	t.Helper()
	for _, m := range messages {
		if _, err := b.Take(m); err != nil {
			t.Fatal(err)
		}
	}
}

// headlines are what is shown an hour after noon, in order.
func headlines(b *alert.Book, s alert.Site) string {
	var list []string
	for _, a := range b.Active(s, noon().Add(time.Hour)) {
		list = append(list, a.Info.Headline)
	}
	return strings.Join(list, " ")
}

func TestBook(t *testing.T) {
	a, b := message(alert.TypeAlert, "a", 0), message(alert.TypeAlert, "b", 1)
	u := message(alert.TypeUpdate, "u", 2, a)
	for name, c := range map[string]struct {
		in   []*alert.Message
		want string
	}{
		"an alert":                                  {[]*alert.Message{a}, "a"},
		"two alerts, the newer first":               {[]*alert.Message{a, b}, "b a"},
		"a double":                                  {[]*alert.Message{a, a, message(alert.TypeAlert, "a", 0)}, "a"},
		"an update":                                 {[]*alert.Message{a, u}, "u"},
		"an update of an update that names both":    {[]*alert.Message{a, u, message(alert.TypeUpdate, "v", 3, a, u)}, "v"},
		"a cancel":                                  {[]*alert.Message{a, b, message(alert.TypeCancel, "c", 2, a)}, "b"},
		"a cancel of an update":                     {[]*alert.Message{a, u, message(alert.TypeCancel, "c", 3, u)}, ""},
		"an update that ends two":                   {[]*alert.Message{a, b, message(alert.TypeUpdate, "v", 3, a, b)}, "v"},
		"an alert split into an update and an end":  {[]*alert.Message{a, u, message(alert.TypeCancel, "c", 2, a)}, "u"},
		"a cancel of something else":                {[]*alert.Message{a, message(alert.TypeCancel, "c", 2, b)}, "a"},
		"a cancel of the same name, sent elsewhen":  {[]*alert.Message{a, message(alert.TypeCancel, "c", 2, message(alert.TypeAlert, "a", 1))}, "a"},
		"a cancel that is older than what it names": {[]*alert.Message{b, message(alert.TypeCancel, "c", 0, b)}, "b"},
		"a cancel of the same minute":               {[]*alert.Message{a, message(alert.TypeCancel, "c", 0, a)}, ""},
		"a cancel that is only an exercise": {[]*alert.Message{a, with(message(alert.TypeCancel, "c", 2, a), func(m *alert.Message) { m.Status = alert.Exercise })},
			"a"},
		"a cancel of CAP 1.0 that says not when": {[]*alert.Message{a, with(message(alert.TypeCancel, "c", 2, a), func(m *alert.Message) { m.References[0].Sent = time.Time{} })}, ""},
		"an update that names itself": {[]*alert.Message{with(message(alert.TypeUpdate, "u", 2, a), func(m *alert.Message) {
			m.References[0] = alert.Reference{Sender: m.Sender, Identifier: "u", Sent: m.Sent}
		})}, "u"},
		"one name for two messages, of which one counts": {[]*alert.Message{a, with(message(alert.TypeAlert, "a", 0), func(m *alert.Message) { m.Infos[0].Instruction = "x" }),
			with(message(alert.TypeUpdate, "a", 0, b), func(m *alert.Message) { m.Infos[0].Instruction = "y" })}, "a"},
		"an acknowledgement":        {[]*alert.Message{a, message(alert.TypeAck, "k", 2, a)}, "a"},
		"an error":                  {[]*alert.Message{a, message(alert.TypeError, "e", 2, a)}, "a"},
		"a draft":                   {[]*alert.Message{with(message(alert.TypeAlert, "d", 0), func(m *alert.Message) { m.Status = alert.Draft })}, ""},
		"a message between systems": {[]*alert.Message{with(message(alert.TypeAlert, "s", 0), func(m *alert.Message) { m.Status = alert.System })}, ""},
		"an exercise":               {[]*alert.Message{with(message(alert.TypeAlert, "x", 0), func(m *alert.Message) { m.Status = alert.Exercise })}, ""},
		"a test":                    {[]*alert.Message{with(message(alert.TypeAlert, "t", 0), func(m *alert.Message) { m.Status = alert.Test })}, ""},
		"a restricted one":          {[]*alert.Message{with(message(alert.TypeAlert, "r", 0), func(m *alert.Message) { m.Scope = alert.Restricted })}, ""},
		"a private one":             {[]*alert.Message{with(message(alert.TypeAlert, "p", 0), func(m *alert.Message) { m.Scope, m.Addresses = alert.Private, []string{"me"} })}, ""},
		"the worst first": {[]*alert.Message{b, with(message(alert.TypeAlert, "x", 0), func(m *alert.Message) { m.Infos[0].Severity = "Extreme" }),
			with(message(alert.TypeAlert, "n", 9), func(m *alert.Message) { m.Infos[0].Severity = "Unknown" })}, "x b n"},
		"one that is not yet effective": {[]*alert.Message{with(message(alert.TypeAlert, "l", 0), func(m *alert.Message) { m.Infos[0].Effective = noon().Add(2 * time.Hour) })}, ""},
		"one whose danger has not begun": {[]*alert.Message{with(message(alert.TypeAlert, "o", 0), func(m *alert.Message) {
			m.Infos[0].Onset, m.Infos[0].Expires = noon().Add(5*time.Hour), noon().Add(9*time.Hour)
		})}, "o"},
		"one from a sender whose clock is ahead":   {[]*alert.Message{message(alert.TypeAlert, "f", 90)}, "f"},
		"one that is over":                         {[]*alert.Message{with(message(alert.TypeAlert, "z", 0), func(m *alert.Message) { m.Infos[0].Expires = noon().Add(time.Hour) })}, ""},
		"one of five weeks ago that never expires": {[]*alert.Message{with(message(alert.TypeAlert, "w", -35*24*60), func(m *alert.Message) { m.Infos[0].Expires = noon().AddDate(50, 0, 0) })}, ""},
		"an all clear, though the danger is past":  {[]*alert.Message{with(message(alert.TypeAlert, "k", 0), func(m *alert.Message) { m.Infos[0].Urgency, m.Infos[0].Responses = "Past", []string{"AllClear"} })}, "k"},
	} {
		t.Run(name, func(t *testing.T) {
			var book alert.Book
			take(t, &book, c.in...)
			if got := headlines(&book, alert.Site{}); got != c.want {
				t.Errorf("shown: %q, want %q", got, c.want)
			}
		})
	}
}

func TestASiteAsksForMoreThanThePublic(t *testing.T) {
	var book alert.Book
	take(t, &book,
		with(message(alert.TypeAlert, "x", 0), func(m *alert.Message) { m.Status = alert.Exercise }),
		with(message(alert.TypeAlert, "t", 1), func(m *alert.Message) { m.Status = alert.Test }),
		with(message(alert.TypeAlert, "r", 2), func(m *alert.Message) { m.Scope = alert.Restricted }),
		with(message(alert.TypeAlert, "p", 3), func(m *alert.Message) { m.Scope, m.Addresses = alert.Private, []string{"porter"} }))
	for name, c := range map[string]struct {
		site alert.Site
		want string
	}{
		"exercises":                  {alert.Site{Exercises: true}, "x"},
		"tests":                      {alert.Site{Tests: true}, "t"},
		"restricted messages":        {alert.Site{Restricted: true}, "r"},
		"private messages to itself": {alert.Site{Addresses: []string{"porter"}}, "p"},
		"and not those to others":    {alert.Site{Addresses: []string{"director"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := headlines(&book, c.site); got != c.want {
				t.Errorf("shown: %q, want %q", got, c.want)
			}
		})
	}
}

// story is a random set of messages about one another, doubles and contradictions too.
func story(r *rand.Rand) []*alert.Message {
	var all []*alert.Message
	for i := range 2 + r.IntN(9) {
		var refs []*alert.Message
		for _, m := range all {
			if r.IntN(3) == 0 {
				refs = append(refs, m)
			}
		}
		kind := []alert.Type{alert.TypeAlert, alert.TypeUpdate, alert.TypeCancel}[r.IntN(3)]
		if len(refs) == 0 {
			kind = alert.TypeAlert
		}
		m := message(kind, fmt.Sprintf("m%d", i), r.IntN(4), refs...)
		m.Infos[0].Severity = []string{"Extreme", "Severe", "Unknown"}[r.IntN(3)]
		if r.IntN(5) == 0 && i > 0 { // one name for two messages
			m.Identifier, m.Sent = all[i-1].Identifier, all[i-1].Sent
		}
		if r.IntN(6) == 0 {
			m.Status = alert.Exercise
		}
		all = append(all, m)
		if r.IntN(4) == 0 {
			all = append(all, m)
		}
	}
	return all
}

func answer(t testing.TB, b *alert.Book) string {
	t.Helper()
	kept, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return headlines(b, alert.Site{Exercises: true}) + "\n" + string(kept)
}

func TestTheOrderOfMessagesDoesNotMatter(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		all := story(r)
		var first alert.Book
		take(t, &first, all...)
		want := answer(t, &first)
		for range 4 {
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			var other alert.Book
			half := r.IntN(len(all))
			take(t, &other, all[:half]...)
			kept, err := json.Marshal(&other)
			if err != nil {
				t.Fatal(err)
			}
			var again alert.Book // over a restart
			if err := json.Unmarshal(kept, &again); err != nil {
				t.Fatal(err)
			}
			take(t, &again, all[half:]...)
			if got := answer(t, &again); got != want {
				t.Fatalf("seed %d: %s\nin another order: %s", seed, want, got)
			}
		}
	}
}

func TestABookThatIsFullForgetsTheOldestForGood(t *testing.T) {
	var all []*alert.Message
	var last *alert.Message
	for i := range alert.MaxMessages + 300 {
		m := message(alert.TypeAlert, fmt.Sprintf("m%04d", i), i)
		if i%2 == 1 { // every other message ends the one before
			m = message(alert.TypeCancel, fmt.Sprintf("m%04d", i), i, last)
		}
		m.Infos[0].Expires = noon().AddDate(0, 0, 20)
		if i%100 == 0 { // some are large, so that both bounds are met
			m.Infos[0].Description = strings.Repeat("x", 700<<10)
		}
		all, last = append(all, m), m
	}
	var want string
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 2))
		if seed > 0 {
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
		var b alert.Book
		take(t, &b, all...)
		for _, i := range r.Perm(len(all))[:200] { // the sources bring old ones again
			take(t, &b, all[i])
		}
		kept, err := json.Marshal(&b)
		if err != nil {
			t.Fatal(err)
		}
		if len(kept) > alert.MaxBytes+MaxOverhead {
			t.Errorf("a Book of %d bytes", len(kept))
		}
		if list := b.Active(alert.Site{}, noon().AddDate(0, 0, 3)); len(list) > 0 {
			t.Errorf("%s came back", list[0].Info.Headline)
		}
		if want == "" {
			want = string(kept)
		}
		if string(kept) != want {
			t.Fatalf("seed %d: another order, another Book", seed)
		}
	}
}

func TestAnEndOutlivesWhatItEnds(t *testing.T) {
	var b alert.Book
	for i := range alert.MaxMessages { // all of one second
		a := message(alert.TypeAlert, fmt.Sprint("a", i), 0)
		take(t, &b, a, message(alert.TypeCancel, fmt.Sprint("c", i), 0, a))
	}
	if got := headlines(&b, alert.Site{}); got != "" {
		t.Errorf("without their ends stayed %s", got)
	}
}

func TestTheVeryLanguageIsBetterThanAnotherKindOfIt(t *testing.T) {
	m := message(alert.TypeAlert, "a", 0)
	m.Infos = nil
	for _, l := range []string{"de-DE", "fr-CA", "fr-FR", "en"} {
		m.Infos = append(m.Infos, alert.Info{Language: l, Severity: "Severe", Headline: l})
	}
	m.Infos = append(m.Infos, alert.Info{Language: "it", Severity: "Extreme", Headline: "it", Expires: noon()})
	var b alert.Book
	take(t, &b, m)
	for locale, want := range map[string]string{"": "de-DE", "fr_FR": "fr-FR", "fr-CA": "fr-CA", "fr": "fr-CA", "en-GB": "en", "ja": "de-DE"} {
		if got := headlines(&b, alert.Site{Locale: locale}); got != want {
			t.Errorf("for %q: %s, want %s", locale, got, want)
		}
	}
}

// MaxOverhead is what a Book's JSON has beside its messages.
const MaxOverhead = 64 << 10

func TestABookSaysWhenItChanges(t *testing.T) {
	var b alert.Book
	a := message(alert.TypeAlert, "a", 0)
	changed := b.Changed()
	if news, err := b.Take(a); !news || err != nil {
		t.Fatal(news, err)
	}
	<-changed
	changed = b.Changed()
	if news, _ := b.Take(a); news {
		t.Error("a double was news")
	}
	select {
	case <-changed:
		t.Error("a double was told")
	default:
	}
}

func TestNextIsWhenActiveChanges(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 60 {
		var b alert.Book
		for i := range 4 {
			m := message(alert.TypeAlert, fmt.Sprint(i), r.IntN(60))
			if r.IntN(2) == 0 {
				m.Infos[0].Effective = noon().Add(time.Duration(r.IntN(300)) * time.Minute)
			}
			if r.IntN(2) == 0 {
				m.Infos[0].Expires = noon().Add(time.Duration(r.IntN(300)) * time.Minute)
			}
			take(t, &b, m)
		}
		show := func(at time.Time) string {
			var s []string
			for _, a := range b.Active(alert.Site{}, at) {
				s = append(s, a.Info.Headline)
			}
			return strings.Join(s, " ")
		}
		next := b.Next(alert.Site{}, noon())
		before := show(noon())
		for at := noon(); at.Before(noon().Add(3 * 24 * time.Hour)); at = at.Add(time.Minute) {
			if !next.IsZero() && !at.Before(next) {
				next, before = b.Next(alert.Site{}, at), show(at)
			}
			if got := show(at); got != before {
				t.Fatalf("%s: %q was not foretold, it had been %q", at, got, before)
			}
		}
		if !next.IsZero() {
			t.Fatalf("after three days it still says %s", next)
		}
	}
}

func TestABookOnDiskIsNotBelievedBlindly(t *testing.T) {
	var b alert.Book
	take(t, &b, message(alert.TypeAlert, "a", 0))
	kept, err := json.Marshal(&b)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"cut short":              string(kept[:len(kept)/2]),
		"with an empty message":  `{"messages":[null]}`,
		"with a wrong status":    strings.Replace(string(kept), "Actual", "Real", 1),
		"without an identifier":  strings.Replace(string(kept), `"identifier":"a"`, `"identifier":""`, 1),
		"with something else":    `[]`,
		"with a text for a time": strings.Replace(string(kept), "2027-01-04T12:00:00Z", "noon", 1),
	} {
		t.Run(name, func(t *testing.T) {
			again := alert.Book{}
			take(t, &again, message(alert.TypeAlert, "stays", 0))
			if err := json.Unmarshal([]byte(bad), &again); err == nil {
				t.Error("it was read")
			}
			if got := headlines(&again, alert.Site{}); got != "stays" {
				t.Errorf("the Book in use has now %q", got)
			}
		})
	}
}

func TestAnAlertIsAnEventOfTheSchedule(t *testing.T) {
	var b alert.Book
	m := message(alert.TypeAlert, "a", 0)
	m.Infos[0].Effective, m.Infos[0].Expires = noon().Add(10*time.Minute), noon().Add(3*time.Hour)
	take(t, &b, m, message(alert.TypeAlert, "b", 5))
	list := b.Active(alert.Site{}, noon().Add(time.Hour))
	i := slices.IndexFunc(list, func(a alert.Alert) bool { return a.Info.Headline == "a" })
	e := list[i].Event("x/1", "x/2")
	if e.Kind != "emergency" || e.Severity != "Severe" || !e.IssuedAt.Equal(m.Sent) || !e.NotBefore.Equal(m.Infos[0].Effective) ||
		!e.NotAfter.Equal(m.Infos[0].Expires) || strings.Join(e.Items, " ") != "x/1 x/2" || !strings.HasPrefix(e.ID, "@alert/") {
		t.Errorf("%+v", e)
	}
	if other := list[1-i].Event(); other.ID == e.ID || other.NotBefore != nil || !other.NotAfter.Equal(noon().Add(5*time.Minute+24*time.Hour)) {
		t.Errorf("%+v", other)
	}
}
