package store_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changes are the calls by which a program changes files.
var changes = []uint32{unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE,
	unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE, unix.SYS_OPENAT, unix.SYS_MKDIRAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT}

// mishap is what happens to this process at one of its changes of files below a folder. The kernel asks it before each of
// them (seccomp_unotify(2)), and it answers its own calls.
type mishap struct {
	dir    string
	at     int    // the first that it happens to; 0 = none
	how    string // kill, or the name of an error
	always bool   // and to all after it
}

// notif and answer are struct seccomp_notif and struct seccomp_notif_resp of linux/seccomp.h.
type notif struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type answer struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// watch begins; count says how many changes there were.
func (m mishap) watch() (count func() int, err error) {
	errno := map[string]syscall.Errno{"kill": 0, "ENOSPC": unix.ENOSPC, "EIO": unix.EIO, "EROFS": unix.EROFS}[m.how]
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	const number, first, third = 0, 16, 32 // of struct seccomp_data; of an argument its lower half
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	filter := []unix.SockFilter{
		load(number),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_WRITE, Jf: 5},
		load(first), // what is said to people is no file
		{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, K: 2, Jf: 2},
		load(third), // eight bytes are for an eventfd(2) of Go's runtime, which does not wait well
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 8, Jf: 1}, allow,
		load(number),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_OPENAT, Jf: 3},
		load(third),
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.O_CREAT, Jt: 1}, allow,
		load(number),
	}
	for i, nr := range changes {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jt: uint8(len(changes) - i)})
	}
	filter = append(filter, allow, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	fd, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return nil, fmt.Errorf("seccomp: %w", e)
	}
	var n atomic.Int64
	go func() {
		for {
			var q notif
			if _, _, e := unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&q))); e != 0 {
				continue
			}
			a := answer{id: q.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
			if m.concerns(q) {
				if n := int(n.Add(1)); m.at > 0 && (n == m.at || m.always && n > m.at) {
					if errno == 0 {
						unix.Kill(os.Getpid(), unix.SIGKILL)
					}
					a.flags, a.err = 0, -int32(errno)
				}
			}
			unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a)))
		}
	}()
	return func() int { return int(n.Load()) }, nil
}

// concerns says whether a call changes something below the folder. What is named by a path always is: nothing else is made here.
func (m mishap) concerns(q notif) bool {
	switch q.nr {
	case unix.SYS_OPENAT, unix.SYS_MKDIRAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT:
		return true
	}
	fd := q.args[0]
	if q.nr == unix.SYS_COPY_FILE_RANGE {
		fd = q.args[2]
	}
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return err == nil && strings.HasPrefix(name, m.dir)
}
