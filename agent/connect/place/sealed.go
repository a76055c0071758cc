package place

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
)

var (
	errPlain = errors.New("not encrypted")
	errGuest = errors.New("account doesn't support signing")
)

// sealedConn sees to two things that go-smb2 leaves to the server: that nothing but the greeting goes out unencrypted
// where it must be encrypted, and that the login is not taken for a guest's or nobody's, whose messages have no signature.
type sealedConn struct {
	net.Conn
	sealed  atomic.Bool
	out, in frames
	guest   bool
}

func (c *sealedConn) Write(p []byte) (int, error) {
	plain := false
	c.out.look(p, func(head []byte) { plain = plain || !mayBePlain(head) })
	if plain && c.sealed.Load() {
		return 0, errPlain
	}
	return c.Conn.Write(p)
}

func (c *sealedConn) Read(p []byte) (int, error) {
	if c.guest {
		return 0, errGuest
	}
	n, err := c.Conn.Read(p)
	c.in.look(p[:n], func(head []byte) { c.guest = c.guest || isGuest(head) })
	if c.guest {
		return 0, errGuest
	}
	return n, err
}

// headSize is how much of a message is looked at: its header and the first words of what follows.
const headSize = 64 + 4

// frames follows messages: 4 bytes of length, then the message (MS-SMB2 2.1).
type frames struct {
	size []byte
	head []byte
	left int
}

// look tells seen of each message, once there is enough of it.
func (f *frames) look(p []byte, seen func(head []byte)) {
	for len(p) > 0 {
		if len(f.size) < 4 {
			n := min(4-len(f.size), len(p))
			if f.size, p = append(f.size, p[:n]...), p[n:]; len(f.size) == 4 {
				f.left, f.head = int(binary.BigEndian.Uint32(f.size)), f.head[:0]
			}
			if len(f.size) < 4 || f.left > 0 {
				continue
			}
		}
		n := min(f.left, len(p))
		if want := min(headSize-len(f.head), n); want > 0 {
			f.head = append(f.head, p[:want]...)
			if len(f.head) == headSize || len(f.head) < headSize && n == f.left {
				seen(f.head)
			}
		}
		if f.left, p = f.left-n, p[n:]; f.left == 0 {
			f.size = f.size[:0]
		}
	}
}

// Messages begin with 0xFD when they are encrypted (MS-SMB2 2.2.41), else with 0xFE; their command is 12 bytes on (2.2.1).
const (
	encrypted    = 0xFD
	sessionSetup = 1
)

// mayBePlain allows what comes before a share can say that it encrypts, and what says goodbye.
func mayBePlain(head []byte) bool {
	if len(head) < 14 {
		return false
	}
	if head[0] == encrypted {
		return true
	}
	switch binary.LittleEndian.Uint16(head[12:]) {
	case 0, sessionSetup, 2, 3, 4, 0xC, 0xD: // negotiate, session setup, logoff, tree connect, tree disconnect, cancel, echo
		return true
	}
	return false
}

// isGuest looks at the flags of a login that is done (2.2.6): 1 = guest, 2 = nobody.
func isGuest(head []byte) bool {
	return len(head) == headSize && head[0] == 0xFE && binary.LittleEndian.Uint16(head[12:]) == sessionSetup &&
		binary.LittleEndian.Uint32(head[8:]) == 0 && binary.LittleEndian.Uint16(head[66:])&3 != 0
}
