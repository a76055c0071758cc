package importer

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// What ioprio_set(2) is told: this thread takes the disk only when nobody else wants it.
const (
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
	behind           = 10 // nice value: what is on the screen comes first
)

// stepBack lets this goroutine, on a thread of its own until it ends, take only what the playing leaves of disk and processor.
// Where the kernel refuses, the import goes on as it is.
func stepBack() {
	runtime.LockOSThread()
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioIdle)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, behind)
}
