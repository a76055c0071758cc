package account

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// Sessions are bearer tokens that end by themselves. They are kept in memory: after a restart devices and people prove
// themselves again.
type Sessions struct {
	life time.Duration
	max  int // of one holder; the oldest gives way
	now  func() time.Time

	mu     sync.Mutex
	byHash map[[sha256.Size]byte]session
	held   map[string][][sha256.Size]byte // by holder, oldest first
	swept  time.Time
}

type session struct {
	holder, key string
	ends        time.Time
}

// NewSessions makes sessions of a life, at most limit for each holder.
func NewSessions(life time.Duration, limit int, now func() time.Time) *Sessions {
	return &Sessions{life: life, max: limit, now: now, byHash: map[[sha256.Size]byte]session{}, held: map[string][][sha256.Size]byte{}}
}

// Begin gives a token to a holder; key is what the holder proved itself with.
func (s *Sessions) Begin(holder, key string) (token string, ends time.Time) {
	token = rand.Text()
	hash := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.sweep(now)
	for len(s.held[holder]) >= s.max {
		delete(s.byHash, s.held[holder][0])
		s.held[holder] = s.held[holder][1:]
	}
	ends = now.Add(s.life)
	s.byHash[hash] = session{holder, key, ends}
	s.held[holder] = append(s.held[holder], hash)
	return token, ends
}

// Check says who holds a token, and with which key it was begun.
func (s *Sessions) Check(token string) (holder, key string, ok bool) {
	hash := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	got, ok := s.byHash[hash]
	if !ok || !s.now().Before(got.ends) {
		return "", "", false
	}
	return got.holder, got.key, true
}

// End ends one session.
func (s *Sessions) End(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(sha256.Sum256([]byte(token)))
}

// EndAll ends all sessions of a holder.
func (s *Sessions) EndAll(holder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, hash := range s.held[holder] {
		delete(s.byHash, hash)
	}
	delete(s.held, holder)
}

func (s *Sessions) drop(hash [sha256.Size]byte) {
	got, ok := s.byHash[hash]
	if !ok {
		return
	}
	delete(s.byHash, hash)
	left := s.held[got.holder][:0:0]
	for _, h := range s.held[got.holder] {
		if h != hash {
			left = append(left, h)
		}
	}
	if len(left) == 0 {
		delete(s.held, got.holder)
	} else {
		s.held[got.holder] = left
	}
}

// sweep forgets ended sessions, once a minute.
func (s *Sessions) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Minute {
		return
	}
	s.swept = now
	for hash, got := range s.byHash {
		if !now.Before(got.ends) {
			s.drop(hash)
		}
	}
}
