package clock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// machine is this computer.
type machine struct{}

func (machine) Wall() time.Time { return time.Now() }

// Synchronised asks the kernel. The maximum error counts, not STA_UNSYNC: systemd-timesyncd sets that flag on purpose
// where the hardware clock runs in local time, and the kernel sets both when the clock is stepped by hand. It starts at 16 s
// (NTP_PHASE_LIMIT) and gets there again some nine hours after the daemon's last word.
func (machine) Synchronised() (bool, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, fmt.Errorf("adjtimex: %w", err)
	}
	const limit = 16_000_000 // microseconds
	return t.Maxerror < limit, nil
}

// Steps holds a timer far in the future that the kernel cancels when the system's clock is set or the machine wakes.
func (machine) Steps(ctx context.Context, step func()) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("timerfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "timerfd")
	defer f.Close()
	// In 2038, the most that a 32-bit second holds; where that is past, it wakes once for nothing.
	far := unix.ItimerSpec{Value: unix.NsecToTimespec(math.MaxInt32 * int64(time.Second))}
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &far, nil); err != nil {
		return fmt.Errorf("timerfd_settime: %w", err)
	}
	defer context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })()
	var expirations [8]byte
	for {
		_, err := f.Read(expirations[:])
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil, errors.Is(err, unix.ECANCELED):
			step()
		default:
			return fmt.Errorf("read the timer: %w", err)
		}
	}
}
