// Command vitrine-odbc answers: how is a database asked through foreign drivers without trusting them?
//
//	vitrine-player ──request on stdin──> vitrine-odbc ──> libodbc ──> a driver
//	               <──rows on stdout───
//
// The player starts it for one query and kills it at the deadline. It ends by itself when the player is gone.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"vitrine/agent/connect/database/odbc"
)

// maxMemory is how much address space a driver may take.
const maxMemory = 4 << 30

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vitrine-odbc:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	if len(os.Args) > 1 {
		return errors.New("the player starts this program by itself; it takes no arguments")
	}
	// No core: it would hold a password. No memory that another process of the same user can look into.
	err := errors.Join(unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}), unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0),
		unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: maxMemory, Max: maxMemory}))
	if err != nil {
		return fmt.Errorf("bound this process: %w", err)
	}
	runtime.LockOSThread() // drivers keep things by thread
	request, rest := io.Pipe()
	go func() {
		_, _ = io.Copy(rest, in)
		os.Exit(3) // the player is gone, or wants no more
	}()
	return odbc.Serve(request, out)
}
