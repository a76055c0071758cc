// Package system answers: what does the operating system do for the player, and what does it know of its own time?
//
//	Machine ──D-Bus──> org.freedesktop.login1     Reboot, PowerOff
//	   │    ──D-Bus──> org.freedesktop.timedate1  is a time service there, is it on, and has it succeeded?
//	   └────/proc────> boot_id, uptime
//
// Interfaces: org.freedesktop.login1(5), org.freedesktop.timedate1(5). A polkit rule lets the player's user restart and power
// off its machine, and nothing else (packaging/polkit).
package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// Config says where the system is. The zero value is this machine.
type Config struct {
	Bus  string // address of the system bus; "" = the system's own
	Proc string // "" = /proc
}

// Machine is the computer that the player runs on.
type Machine struct{ cfg Config }

// New starts nothing: each question opens the bus and closes it, since they are rare.
func New(cfg Config) *Machine {
	if cfg.Proc == "" {
		cfg.Proc = "/proc"
	}
	return &Machine{cfg}
}

// Boot names this start of the kernel (random(4)), and says how long ago it was (proc_uptime(5)).
func (m *Machine) Boot() (id string, uptime time.Duration, err error) {
	b, err := os.ReadFile(m.cfg.Proc + "/sys/kernel/random/boot_id")
	if err != nil {
		return "", 0, fmt.Errorf("this start of the machine cannot be told from others: %w", err)
	}
	up, err := os.ReadFile(m.cfg.Proc + "/uptime")
	if err != nil {
		return "", 0, fmt.Errorf("the machine's uptime is not known: %w", err)
	}
	first, _, _ := strings.Cut(string(up), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return "", 0, fmt.Errorf("the machine's uptime %q is not a number", first)
	}
	return strings.TrimSpace(string(b)), time.Duration(seconds * float64(time.Second)), nil
}

// Reboot asks logind to restart the machine. nil: it has agreed, and the machine goes down.
func (m *Machine) Reboot(ctx context.Context) error { return m.login(ctx, "Reboot") }

// PowerOff asks logind to power the machine off. nil: it has agreed, and the machine goes down.
func (m *Machine) PowerOff(ctx context.Context) error { return m.login(ctx, "PowerOff") }

func (m *Machine) login(ctx context.Context, method string) error {
	conn, err := m.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	login := conn.Object("org.freedesktop.login1", "/org/freedesktop/login1")
	// Nobody is there to be asked for a password.
	if err := login.CallWithContext(ctx, "org.freedesktop.login1.Manager."+method, 0, false).Err; err != nil {
		return refused(err)
	}
	return nil
}

func refused(err error) error {
	var e dbus.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("logind did not answer: %w", err)
	}
	switch e.Name {
	case "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "org.freedesktop.PolicyKit1.Error.NotAuthorized":
		return fmt.Errorf("the player's user may not do that: install packaging/polkit's rule, or let it do so in polkit (%s)", e.Error())
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return fmt.Errorf("there is no logind here: actions that restart or power off need systemd (%s)", e.Error())
	}
	return fmt.Errorf("logind refuses: %s", e.Error())
}

func (m *Machine) dial(ctx context.Context) (*dbus.Conn, error) {
	var conn *dbus.Conn
	var err error
	if m.cfg.Bus == "" {
		conn, err = dbus.ConnectSystemBus(dbus.WithContext(ctx))
	} else {
		conn, err = dbus.Connect(m.cfg.Bus, dbus.WithContext(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("there is no system bus to ask over; is dbus-daemon running? %w", err)
	}
	return conn, nil
}

// TimeService is what systemd knows of who keeps the machine's time.
type TimeService struct {
	There bool // a service that could set the clock is installed
	On    bool // it is switched on
	Done  bool // the kernel's clock is synchronised
}

// TimeService asks timedate1. It is started for the question and ends again after half a minute: ask when the time is in
// doubt, not over and over.
func (m *Machine) TimeService(ctx context.Context) (TimeService, error) {
	conn, err := m.dial(ctx)
	if err != nil {
		return TimeService{}, err
	}
	defer conn.Close()
	var all map[string]dbus.Variant
	object := conn.Object("org.freedesktop.timedate1", "/org/freedesktop/timedate1")
	if err := object.CallWithContext(ctx, "org.freedesktop.DBus.Properties.GetAll", 0, "org.freedesktop.timedate1").Store(&all); err != nil {
		return TimeService{}, fmt.Errorf("timedate1 does not answer: %w", err)
	}
	is := func(name string) bool { b, _ := all[name].Value().(bool); return b }
	return TimeService{There: is("CanNTP"), On: is("NTP"), Done: is("NTPSynchronized")}, nil
}
