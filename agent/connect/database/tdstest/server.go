// Package tdstest answers: how does a test ask a SQL Server where none can be had?
//
//	driver ──PRELOGIN──TLS──LOGIN7──SQLBatch──> Server ──COLMETADATA, ROW, DONE──> driver
//
// It speaks the Tabular Data Stream protocol as Microsoft publishes it ([MS-TDS]), as far as a SELECT needs it, and refuses
// what the real one refuses: a client that does not begin with PRELOGIN, one that does not encrypt where it must, a wrong
// password or database, a transaction that is not the current one, a query that it does not know.
package tdstest

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
)

// Config is what a server knows.
type Config struct {
	User, Password string
	Database       string
	TLS            *tls.Config // nil = it cannot encrypt
	Force          bool        // it takes nobody who does not encrypt
	Answers        map[string]Table
}

// Server is one on loopback.
type Server struct {
	Port int

	cfg Config
	l   net.Listener
	all sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	asked  []string
	logins int
}

// New starts a server; Close ends it.
func New(cfg Config) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if cfg.TLS != nil {
		cfg.TLS = cfg.TLS.Clone()
		cfg.TLS.MaxVersion = tls.VersionTLS12 // within PRELOGIN packets there is no later one
	}
	s := &Server{Port: l.Addr().(*net.TCPAddr).Port, cfg: cfg, l: l, conns: map[net.Conn]bool{}}
	s.all.Go(s.serve)
	return s, nil
}

// Close hangs up.
func (s *Server) Close() {
	s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
}

// Asked are the queries so far, and how many have logged in.
func (s *Server) Asked() (queries []string, logins int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...), s.logins
}

func (s *Server) serve() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.all.Go(func() {
			_ = (&session{server: s, raw: c, conn: c}).run() // a client that is not understood is hung up on
			c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

// Types of packet (2.2.3.1.1).
const (
	typeBatch       = 0x01
	typeReply       = 0x04
	typeAttention   = 0x06
	typeTransaction = 0x0E
	typeLogin       = 0x10
	typePrelogin    = 0x12
)

var kinds = []byte{typeBatch, typeAttention, typeTransaction, typeLogin, typePrelogin}

// session is one client.
type session struct {
	server      *Server
	raw         net.Conn
	conn        io.ReadWriter // raw, or TLS over it
	transaction uint64        // 0 = none
}

var errUnexpected = errors.New("not what comes now")

func (s *session) run() error {
	if err := s.prelogin(); err != nil {
		return err
	}
	if ok, err := s.login(); err != nil || !ok {
		return err
	}
	for {
		kind, body, err := s.read()
		if err != nil {
			return err
		}
		var reply []byte
		switch kind {
		case typeAttention:
			reply = done(0x20, 0)
		case typeTransaction:
			reply, err = s.manage(body)
		case typeBatch:
			reply, err = s.batch(body)
		default:
			err = errUnexpected
		}
		if err != nil {
			return err
		}
		if err := s.write(typeReply, reply); err != nil {
			return err
		}
	}
}

// read takes a message: packets up to the one that says it is the last.
func (s *session) read() (kind byte, body []byte, err error) {
	for {
		var head [8]byte
		if _, err := io.ReadFull(s.conn, head[:]); err != nil {
			return 0, nil, err
		}
		size := int(binary.BigEndian.Uint16(head[2:]))
		if size < 8 || size > 1<<15-1 || !slices.Contains(kinds, head[0]) || len(body) > 1<<20 || kind != 0 && kind != head[0] {
			return 0, nil, errUnexpected
		}
		kind = head[0]
		part := make([]byte, size-8)
		if _, err := io.ReadFull(s.conn, part); err != nil {
			return 0, nil, err
		}
		if body = append(body, part...); head[1]&1 != 0 {
			return kind, body, nil
		}
	}
}

const packetSize = 4096

func (s *session) write(kind byte, body []byte) error {
	for n := byte(1); ; n++ {
		part := body[:min(len(body), packetSize-8)]
		body = body[len(part):]
		head := []byte{kind, 0, 0, 0, 0, 51, n, 0}
		if len(body) == 0 {
			head[1] = 1
		}
		binary.BigEndian.PutUint16(head[2:], uint16(len(part)+8))
		if _, err := s.conn.Write(append(head, part...)); err != nil || len(body) == 0 {
			return err
		}
	}
}

// manage begins and ends transactions (2.2.6.9).
func (s *session) manage(body []byte) ([]byte, error) {
	rest, err := s.headers(body)
	if err != nil || len(rest) < 2 {
		return nil, errors.Join(err, errUnexpected)
	}
	id := binary.LittleEndian.AppendUint64([]byte{8}, 0x3300000001)
	switch binary.LittleEndian.Uint16(rest) {
	case 5: // begin
		s.transaction = 0x3300000001
		return append(change(8, id, []byte{0}), done(0, 0)...), nil
	case 7, 8: // commit, rollback
		if s.transaction == 0 {
			return append(fault(3903, 16, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."), done(2, 0)...), nil
		}
		s.transaction = 0
		return append(change(byte(2+binary.LittleEndian.Uint16(rest)), []byte{0}, id), done(0, 0)...), nil
	}
	return nil, errUnexpected
}

var errTransaction = errors.New("another transaction")

// headers skips ALL_HEADERS (2.2.5.3), and looks at the transaction that it names.
func (s *session) headers(body []byte) ([]byte, error) {
	if len(body) < 4 || int(binary.LittleEndian.Uint32(body)) > len(body) || binary.LittleEndian.Uint32(body) < 4 {
		return nil, errUnexpected
	}
	all, rest := body[4:binary.LittleEndian.Uint32(body)], body[binary.LittleEndian.Uint32(body):]
	for len(all) >= 6 {
		size := int(binary.LittleEndian.Uint32(all))
		if size < 6 || size > len(all) {
			return nil, errUnexpected
		}
		if binary.LittleEndian.Uint16(all[4:]) == 2 && size == 18 && binary.LittleEndian.Uint64(all[6:]) != s.transaction {
			return rest, errTransaction
		}
		all = all[size:]
	}
	return rest, nil
}

func (s *session) batch(body []byte) ([]byte, error) {
	text, err := s.headers(body)
	if errors.Is(err, errTransaction) {
		return append(fault(3971, 16, "The server failed to resume the transaction."), done(2, 0)...), nil
	}
	if err != nil {
		return nil, err
	}
	query := strings.TrimSpace(fromUTF16(text))
	s.server.mu.Lock()
	s.server.asked = append(s.server.asked, query)
	s.server.mu.Unlock()
	table, ok := s.server.cfg.Answers[query]
	switch {
	case strings.HasPrefix(query, "SET LOCK_TIMEOUT "):
		return done(0, 0), nil
	case !ok:
		return append(fault(208, 16, "Invalid object name 'gone'."), done(2, 0)...), nil
	}
	return table.tokens()
}

func fromUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

func toUTF16(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
