//go:build unix

package compose

import "syscall"

// newScratch is memory for one frame that nobody sees. The kernel has it back as soon as it is let go: it is as large as
// the screen, and needed for one frame of each video.
func newScratch(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	return b
}

func freeScratch(b []byte) {
	if b != nil {
		_ = syscall.Munmap(b) // what was made without it is refused, and collected
	}
}
