package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// notify tells systemd that the player runs, and again and again that it is alive (sd_notify(3), sd_watchdog_enabled(3)),
// until ctx ends. Elsewhere nobody is told.
func notify(ctx context.Context, alive func() bool) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	if strings.HasPrefix(address, "@") { // an abstract name
		address = "\x00" + address[1:]
	}
	tell := func(word string) {
		c, err := net.Dial("unixgram", address)
		if err != nil {
			return // systemd then starts the player again, which is what the watchdog is for
		}
		defer c.Close()
		_, _ = c.Write([]byte(word))
	}
	tell("READY=1")
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err != nil || usec <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	tick := time.NewTicker(time.Duration(usec) * time.Microsecond / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			tell("STOPPING=1")
			return
		case <-tick.C:
			if alive() {
				tell("WATCHDOG=1")
			}
		}
	}
}
