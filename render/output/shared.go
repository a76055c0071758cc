package output

import (
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shm"
	"golang.org/x/sys/unix"
)

// segment is memory that this process and the X server both see.
type segment struct {
	id  shm.Seg
	mem []byte
}

// newSegment shares size bytes with the server. It fails where the server is on another machine.
func newSegment(conn *xgb.Conn, size int) (*segment, error) {
	if err := shm.Init(conn); err != nil {
		return nil, fmt.Errorf("share memory with the X server: %w", err)
	}
	sysv, err := unix.SysvShmGet(unix.IPC_PRIVATE, size, unix.IPC_CREAT|0o600)
	if err != nil {
		return nil, fmt.Errorf("share memory with the X server: %w", err)
	}
	// Marked for removal at once: it lives while one of the two sides is attached, and never longer.
	defer func() { _, _ = unix.SysvShmCtl(sysv, unix.IPC_RMID, nil) }()
	mem, err := unix.SysvShmAttach(sysv, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("share memory with the X server: %w", err)
	}
	id, err := shm.NewSegId(conn)
	if err == nil {
		err = shm.AttachChecked(conn, id, uint32(sysv), false).Check()
	}
	if err != nil {
		_ = unix.SysvShmDetach(mem)
		return nil, fmt.Errorf("share memory with the X server: %w", err)
	}
	return &segment{id: id, mem: mem}, nil
}

func (s *segment) detach(conn *xgb.Conn) {
	_ = shm.DetachChecked(conn, s.id).Check() // a lost connection has detached it already
	_ = unix.SysvShmDetach(s.mem)
}
