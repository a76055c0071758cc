package output_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"vitrine/render/witness"
)

// displays stands between a client and an Xvfb, which has no DPMS, and adds it as the X.Org DPMS Extension Protocol 1.2
// says: no X server here has displays that can be switched off.
type displays struct {
	name string
	real string

	mu       sync.Mutex
	level    uint16
	enabled  bool
	timeouts [3]uint16
	deaf     int // so many orders are not followed
	disabled int // orders that came while DPMS was disabled: an error by the protocol
	orders   chan uint16
}

const dpmsMajor = 200

func newDisplays(t *testing.T, d *witness.Display) *displays {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(d.Name, ":"))
	if err != nil {
		t.Fatal(err)
	}
	const dir = "/tmp/.X11-unix/X"
	p := &displays{name: fmt.Sprintf(":%d", n+2000), real: dir + strconv.Itoa(n), timeouts: [3]uint16{600, 600, 600}, orders: make(chan uint16, 64)}
	path := dir + strconv.Itoa(n+2000)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = os.Remove(path) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *displays) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("unix", p.real)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var answers sync.Map // by sequence number: what to write over the reply
	go func() {
		defer func() { _ = server.Close() }()
		p.requests(client, server, &answers)
	}()
	replies(server, client, &answers)
}

// requests hands on what the client says; what is for DPMS becomes something harmless that is answered as often.
func (p *displays) requests(client io.Reader, server io.Writer, answers *sync.Map) {
	hello := make([]byte, 12)
	if _, err := io.ReadFull(client, hello); err != nil {
		return
	}
	pad := func(off int) int64 { return int64(binary.LittleEndian.Uint16(hello[off:])+3) &^ 3 }
	_, _ = server.Write(hello)
	_, _ = io.CopyN(server, client, pad(6)+pad(8))
	for seq := uint16(1); ; seq++ {
		head := make([]byte, 4)
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		body := make([]byte, max(0, int(binary.LittleEndian.Uint16(head[2:]))*4-4))
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		switch {
		case head[0] == 98 && strings.HasPrefix(string(body[4:]), "DPMS"): // QueryExtension
			answers.Store(seq, []byte{1, dpmsMajor, 0, 0})
		case head[0] == dpmsMajor:
			reply := p.obey(head[1], body)
			if head, body = []byte{127, 0, 1, 0}, nil; reply != nil { // NoOperation
				head[0] = 43 // GetInputFocus
				answers.Store(seq, reply)
			}
		}
		if _, err := server.Write(append(head, body...)); err != nil {
			return
		}
	}
}

// obey does what a request of the extension says, and returns its reply from the ninth byte on.
func (p *displays) obey(minor byte, body []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	u16 := func(i int) uint16 { return binary.LittleEndian.Uint16(body[i*2:]) }
	switch minor {
	case 1: // Capable
		return []byte{1}
	case 3: // SetTimeouts
		p.timeouts = [3]uint16{u16(0), u16(1), u16(2)}
	case 4:
		p.enabled = true
	case 5:
		p.enabled = false
	case 6: // ForceLevel
		if !p.enabled {
			p.disabled++
		}
		if p.deaf--; p.deaf < 0 {
			p.level = u16(0)
		}
		p.orders <- u16(0)
	case 7: // Info
		out := binary.LittleEndian.AppendUint16(nil, p.level)
		if p.enabled {
			return append(out, 1)
		}
		return append(out, 0)
	}
	return nil
}

// replies hands on what the server says.
func replies(server io.Reader, client io.Writer, answers *sync.Map) {
	hello := make([]byte, 8)
	if _, err := io.ReadFull(server, hello); err != nil {
		return
	}
	_, _ = client.Write(hello)
	_, _ = io.CopyN(client, server, int64(binary.LittleEndian.Uint16(hello[6:]))*4)
	for {
		packet := make([]byte, 32)
		if _, err := io.ReadFull(server, packet); err != nil {
			return
		}
		more := int64(0)
		if packet[0] == 1 || packet[0]&0x7f == 35 {
			more = int64(binary.LittleEndian.Uint32(packet[4:])) * 4
		}
		if a, ok := answers.LoadAndDelete(binary.LittleEndian.Uint16(packet[2:])); ok && packet[0] == 1 {
			copy(packet[8:], a.([]byte))
		}
		if _, err := client.Write(packet); err != nil {
			return
		}
		if _, err := io.CopyN(client, server, more); err != nil {
			return
		}
	}
}
