package main

import (
	"os"
	"syscall"
)

// noCore keeps what is secret out of core files, of this process and of those that it starts: none is written, and a
// program of the system that is handed one all the same (core(5), "Piping core dumps") finds no memory in it.
func noCore() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})        // to lower it is always allowed
	_ = os.WriteFile("/proc/self/coredump_filter", []byte("0\n"), 0o644) // where the kernel knows no filter the limit stands alone
}
