package tdstest

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
)

// What two sides say of encryption (2.2.6.5).
const (
	encryptNotSupported = 2
	encryptOn           = 1
	encryptRequired     = 3
)

// prelogin agrees on encryption; the handshake of TLS goes within PRELOGIN packets.
func (s *session) prelogin() error {
	kind, body, err := s.read()
	if err != nil {
		return err
	}
	wants := byte(255)
	for i := 0; i+5 <= len(body) && body[i] != 0xFF; i += 5 {
		at, size := int(binary.BigEndian.Uint16(body[i+1:])), int(binary.BigEndian.Uint16(body[i+3:]))
		if body[i] == 1 && size == 1 && at < len(body) {
			wants = body[at]
		}
	}
	if kind != typePrelogin || wants == 255 {
		return errUnexpected
	}
	answer := byte(encryptNotSupported)
	switch cfg := s.server.cfg; {
	case cfg.TLS != nil && cfg.Force:
		answer = encryptRequired
	case cfg.TLS != nil && wants != encryptNotSupported:
		answer = encryptOn
	}
	version := []byte{16, 0, 4, 0, 0, 0}
	reply := []byte{0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF}
	if err := s.write(typeReply, append(append(reply, version...), answer)); err != nil {
		return err
	}
	if answer == encryptNotSupported {
		return nil
	}
	inner := &handshake{session: s, Conn: s.raw}
	secured := tls.Server(inner, s.server.cfg.TLS)
	if err := secured.Handshake(); err != nil {
		return err
	}
	inner.over = true
	s.conn = secured
	return nil
}

// handshake carries TLS within PRELOGIN packets until it is over.
type handshake struct {
	net.Conn
	session *session
	got     bytes.Buffer
	over    bool
}

func (h *handshake) Read(p []byte) (int, error) {
	if h.over {
		return h.Conn.Read(p)
	}
	if h.got.Len() == 0 {
		kind, body, err := h.session.read()
		if err != nil {
			return 0, err
		}
		if kind != typePrelogin { // a login in the clear
			return 0, errUnexpected
		}
		h.got.Write(body)
	}
	return h.got.Read(p)
}

func (h *handshake) Write(p []byte) (int, error) {
	if h.over {
		return h.Conn.Write(p)
	}
	return len(p), h.session.write(typePrelogin, p)
}

// login reads LOGIN7 (2.2.6.4). The password is hidden by a trick of 1990.
func (s *session) login() (bool, error) {
	kind, body, err := s.read()
	if err != nil || kind != typeLogin || len(body) < 94 {
		return false, errors.Join(err, errUnexpected)
	}
	field := func(n int) (string, error) {
		at, size := int(binary.LittleEndian.Uint16(body[36+4*n:])), 2*int(binary.LittleEndian.Uint16(body[38+4*n:]))
		if at+size > len(body) {
			return "", errUnexpected
		}
		b := bytes.Clone(body[at : at+size])
		if n == 2 {
			for i, c := range b {
				c ^= 0xA5
				b[i] = c<<4 | c>>4
			}
		}
		return fromUTF16(b), nil
	}
	user, err1 := field(1)
	password, err2 := field(2)
	database, err3 := field(8)
	if err := errors.Join(err1, err2, err3); err != nil {
		return false, err
	}
	cfg := s.server.cfg
	switch {
	case user != cfg.User || password != cfg.Password:
		return false, s.write(typeReply, append(fault(18456, 14, fmt.Sprintf("Login failed for user '%s'.", user)), done(2, 0)...))
	case database != "" && database != cfg.Database:
		no := append(fault(4060, 11, fmt.Sprintf("Cannot open database \"%s\" requested by the login. The login failed.", database)),
			fault(18456, 14, fmt.Sprintf("Login failed for user '%s'.", user))...)
		return false, s.write(typeReply, append(no, done(2, 0)...))
	}
	s.server.mu.Lock()
	s.server.logins++
	s.server.mu.Unlock()
	return true, s.write(typeReply, s.welcome())
}

func (s *session) welcome() []byte {
	name := toUTF16("Microsoft SQL Server")
	ack := append([]byte{1, 0x74, 0, 0, 4, byte(len(name) / 2)}, name...)
	ack = append(ack, 16, 0, 4, 0)
	out := change(1, counted(toUTF16(s.server.cfg.Database)), counted(toUTF16("master")))
	out = append(out, change(4, counted(toUTF16("4096")), counted(toUTF16("4096")))...)
	out = append(out, 0xAD)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(ack)))
	return append(append(out, ack...), done(0, 0)...)
}
