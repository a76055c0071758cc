package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Alphabet is that of user codes: no vowels, so no words; nothing that looks like another (RFC 8628, section 6.1).
const Alphabet = "BCDFGHJKLMNPQRSTVWXZ"

// CodeLength is how many characters a user code has: 20^8 = 2.6e10 of them.
const CodeLength = 8

// Errors of Codes.
var (
	ErrNoCode   = errors.New("no player waits under this code: look at the player's screen again, codes change every 15 minutes")
	ErrExpired  = errors.New("the code has expired: the player shows a new one")
	ErrTooMany  = errors.New("too many players wait to be claimed: claim or switch off some, or wait until their codes expire")
	ErrNotYours = errors.New("the device code is not that of this enrolment")
)

// Codes are devices that wait to be claimed, in memory: after a restart they ask again. T is what a device said of itself.
type Codes[T any] struct {
	life time.Duration
	max  int
	now  func() time.Time

	mu      sync.Mutex
	waiting map[string]*waiting[T] // by user code
	byKey   map[string]string      // device key -> user code: asking again replaces
}

type waiting[T any] struct {
	what    T
	key     string
	device  [sha256.Size]byte
	ends    time.Time
	claimed chan struct{} // closes
	id      string        // of the member that it became
}

// NewCodes makes codes of a life, at most limit at once.
func NewCodes[T any](life time.Duration, limit int, now func() time.Time) *Codes[T] {
	return &Codes[T]{life: life, max: limit, now: now, waiting: map[string]*waiting[T]{}, byKey: map[string]string{}}
}

// Offer gives a device a code for a person, and one for itself; what it was given before is over.
func (c *Codes[T]) Offer(key string, what T) (user, device string, life time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.byKey[key])
	if len(c.waiting) >= c.max {
		if c.sweep(); len(c.waiting) >= c.max {
			return "", "", 0, ErrTooMany
		}
	}
	for user == "" || c.waiting[user] != nil {
		if user, err = newCode(); err != nil {
			return "", "", 0, err
		}
	}
	device = rand.Text()
	c.waiting[user] = &waiting[T]{what: what, key: key, device: sha256.Sum256([]byte(device)), ends: c.now().Add(c.life), claimed: make(chan struct{})}
	c.byKey[key] = user
	return user, device, c.life, nil
}

// newCode draws without bias: 256 is not a multiple of 20.
func newCode() (string, error) {
	var b [1]byte
	var out strings.Builder
	for out.Len() < CodeLength {
		if _, err := rand.Read(b[:]); err != nil {
			return "", fmt.Errorf("draw a code: %w", err)
		}
		if b[0] < 240 {
			out.WriteByte(Alphabet[b[0]%20])
		}
	}
	return out.String(), nil
}

// Canonical is a code as a person may have typed it, in the form that is looked up; "" = it cannot be one.
func Canonical(code string) string {
	code = strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToUpper(code))
	if len(code) != CodeLength || strings.Trim(code, Alphabet) != "" {
		return ""
	}
	return code
}

func (c *Codes[T]) get(code string) (*waiting[T], error) {
	w := c.waiting[Canonical(code)]
	switch {
	case w == nil:
		return nil, ErrNoCode
	case !c.now().Before(w.ends):
		return nil, ErrExpired
	}
	return w, nil
}

// Look shows what waits under a code, unclaimed.
func (c *Codes[T]) Look(code string) (what T, ends time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, err := c.get(code)
	if err == nil && w.id != "" {
		err = ErrNoCode
	}
	if err != nil {
		return what, ends, err
	}
	return w.what, w.ends, nil
}

// Claim takes what waits under a code: admit makes it a member and gives its id. A code is claimed once.
func (c *Codes[T]) Claim(code string, admit func(T) (id string, err error)) (id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, err := c.get(code)
	if err == nil && w.id != "" {
		err = ErrNoCode
	}
	if err != nil {
		return "", err
	}
	if id, err = admit(w.what); err != nil {
		return "", err
	}
	w.id = id
	close(w.claimed)
	return id, nil
}

// Wait blocks until a device's code is claimed, or ctx ends: "" = not yet.
func (c *Codes[T]) Wait(ctx context.Context, code, device string) (id string, err error) {
	hash := sha256.Sum256([]byte(device))
	c.mu.Lock()
	w, err := c.get(code)
	if err == nil && subtle.ConstantTimeCompare(w.device[:], hash[:]) != 1 {
		err = ErrNotYours
	}
	c.mu.Unlock()
	if err != nil {
		return "", err
	}
	select {
	case <-w.claimed:
		return w.id, nil
	default:
	}
	select {
	case <-w.claimed:
		return w.id, nil
	case <-ctx.Done():
		return "", nil
	}
}

func (c *Codes[T]) drop(code string) {
	if w := c.waiting[code]; w != nil {
		delete(c.waiting, code)
		delete(c.byKey, w.key)
	}
}

func (c *Codes[T]) sweep() {
	for code, w := range c.waiting {
		if !c.now().Before(w.ends) {
			c.drop(code)
		}
	}
}
