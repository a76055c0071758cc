package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vitrine/agent"
	"vitrine/agent/alert"
	"vitrine/agent/sense"
	"vitrine/agent/trigger"
)

const usage = `vitrine-player plays signed bundles on a screen, with or without a relay.

  vitrine-player run --relay https://relay.example:8443 --relay-pin sha256:…   play; the screen shows how to claim it
  vitrine-player run --data ./player --headless 1280x720                      play without a screen or a relay
  vitrine-player run --alerts ./alerts --site 48.85,2.35                      let public warnings (CAP) take the screen
  vitrine-player import lobby.vitrine                                         take a bundle from this machine's disk
  vitrine-player status                                                       what is on, and what is wrong
  vitrine-player sources                                                      how fresh the rows of its data are, and why not
  vitrine-player screenshot -o screen.png                                     what is really on the screen
  vitrine-player card | volume 40 | screen --rotate 90                        the service page; how loud; how the screen hangs
  vitrine-player secret set smb --host files.example.lan --user screen        what a source proves itself with; also list, remove
  vitrine-player export /media/stick                                          plays, log and picture, for a player without a network
  vitrine-player install --relay https://relay.example:8443 --relay-pin …     play at every start of the machine
  vitrine-player start | stop | uninstall                                     that service

Each verb has --help. Flags may also be given as VITRINE_DATA, VITRINE_RELAY, VITRINE_RELAY_PIN and so on.
`

// probe is the verb by which the player asks itself, in a process of its own, whether a database is whole.
const probe = "probe-database"

type verb func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// flags are one verb's; they may come before and after what is not a flag.
type flags struct {
	*flag.FlagSet
	example string
	args    []string
	deaf    bool // to the environment
}

func newFlags(name, example string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), example: example}
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// parse reads the environment, then the command line. done: nothing more is to be done, because of err or because the
// help was asked for.
func (f *flags) parse(args []string, most int, stdout, stderr io.Writer) (done bool, err error) {
	f.VisitAll(func(fl *flag.Flag) {
		key := "VITRINE_" + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))
		if v, ok := os.LookupEnv(key); ok && err == nil && !f.deaf {
			if serr := fl.Value.Set(v); serr != nil {
				err = fmt.Errorf("%s: %w", key, serr)
			}
		}
	})
	rest := args[1:]
	for err == nil && len(rest) > 0 {
		if err = f.Parse(rest); err != nil {
			break
		}
		if rest = f.Args(); len(rest) > 0 {
			f.args, rest = append(f.args, rest[0]), rest[1:]
		}
	}
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stdout, "%s\n\nFlags:\n", f.example)
		f.SetOutput(stdout)
		f.PrintDefaults()
		return true, nil
	}
	if err == nil && len(f.args) > most {
		err = fmt.Errorf("%q is one word too many", f.args[most])
	}
	if err != nil {
		fmt.Fprintf(stderr, "vitrine-player %s: %v\n\nExample:\n%s\n", f.Name(), err, f.example)
		return true, errUsage
	}
	return false, nil
}

// data adds the flag that all verbs have.
func (f *flags) data(dir *string) {
	f.StringVar(dir, "data", agent.DataDir(), "`folder` of the player's data")
}

// playFlags are those of run and install.
func playFlags(name string, cfg *agent.Config) *flags {
	f := newFlags(name, "  vitrine-player "+name+" --data /var/lib/vitrine --relay https://relay.example:8443 --relay-ca ca.pem --display :0\n"+
		"  vitrine-player "+name+" --data ./player --headless 1280x720")
	f.data(&cfg.Dir)
	f.StringVar(&cfg.Relay, "relay", "", "`address` of the relay, https://host:port; empty: bundles come by stick or import")
	f.StringVar(&cfg.Trust.CAFile, "relay-ca", "", "`file` with the relay's own authority, PEM; empty: the system's authorities")
	f.StringVar(&cfg.Trust.Pin, "relay-pin", "", "`pin` of the relay's authority, sha256:…, as vitrine-relay ca prints it")
	f.StringVar(&cfg.Display, "display", "", "X `display`, like :0; empty: $DISPLAY")
	f.StringVar(&cfg.Headless, "headless", "", "draw into memory, `WIDTHxHEIGHT` pixels")
	cfg.Screen = map[string]string{}
	f.screenFlags(cfg.Screen)
	cfg.ServiceKeys = []string{"F12", "ctrl+alt+s"}
	f.Var(&cfg.ServiceKeys, "service-key", "`keys` that show the service page, with commas; empty: none")
	f.Var(&cfg.Keys, "keys", "more `keys` that are heard whatever window has the focus, with commas, like F2,ctrl+F3")
	f.StringVar(&cfg.Renderer, "renderer", "", "`path` of vitrine-render; empty: beside this program, in PATH, or $VITRINE_RENDER")
	f.StringVar(&cfg.Name, "name", "", "`name` on the player's own page until the relay gives one")
	f.StringVar(&cfg.Lang, "lang", language(), "`language` of what the player says itself: fr or en")
	f.BoolVar(&cfg.Sticks, "usb", true, "import bundles from USB sticks (needs UDisks2)")
	f.Func("usb-filesystems", "`kinds` of file systems of sticks that are read, with commas, of vfat, exfat and ext4; empty: vfat,exfat", func(v string) error {
		cfg.StickKinds = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
		return nil
	})
	f.Func("usb-passphrase-file", "`file` whose first line opens sticks that are encrypted by a passphrase; only its owner may read it", func(path string) (err error) {
		cfg.StickPassphrase, err = passphrase(path)
		return err
	})
	f.BoolVar(&cfg.StickReports, "usb-reports", true, "write onto a stick of this player's publisher how its import went, if the stick asks for it")
	f.StringVar(&cfg.Alerts, "alerts", "", "`folder` of public warnings, one CAP message in each file *.xml; whoever may write there may take the screen")
	f.StringVar(&cfg.AlertFeed, "alert-feed", "", "`address` of a CAP message, or of an Atom or RSS index of some on the same host; https:// if you can")
	f.Func("site", "`latitude,longitude` of the screen in degrees, like 48.85,2.35: warnings for elsewhere are left out", func(v string) (err error) {
		cfg.Site.Position, err = position(v)
		return err
	})
	f.Func("site-code", "`name=value` of the screen's place in a sender's codes, like EMMA_ID=FR101; may be given again", func(v string) error {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" || value == "" {
			return errors.New("write name=value, like EMMA_ID=FR101")
		}
		cfg.Site.Geocodes = append(cfg.Site.Geocodes, alert.Pair{Name: name, Value: value})
		return nil
	})
	f.BoolVar(&cfg.CEC, "cec", true, "switch displays on and off over HDMI-CEC (needs cec-ctl)")
	f.BoolVar(&cfg.MayReboot, "may-reboot", false, "start the machine anew, once a day, when the screen stands still and nothing else has helped")
	f.Func("renderer-memory", "`MiB` of memory at which the renderer is started anew between two items; empty: a quarter of the machine's, 512 to 2048", func(v string) error {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 128 {
			return errors.New("write a number of MiB, 128 at least")
		}
		cfg.RendererMemory = n << 20
		return nil
	})
	f.DurationVar(&cfg.UpdateTrial, "update-trial", 3*time.Minute, "how `long` a new version of the programs has to show something before the one before comes back")
	f.BoolVar(&cfg.Fetch.Idle, "fetch-idle", true, "let large bundles take only what nobody else wants of the line; =false: as fast as it goes")
	f.Func("fetch-window", "`times` of day at which large bundles are fetched, like 22:00-05:00, with commas; without: all day", cfg.Fetch.AddWindows)
	f.Func("fetch-rate", "`rate` of large bundles at most, like 2M (bytes a second) or 8Mbit; without: no limit", cfg.Fetch.SetRate)
	f.StringVar(&cfg.TriggerListen, "trigger-listen", "", "`address` on this machine, like 127.0.0.1:8787, at which POST /trigger/NAME sets off events; the token is in the data folder")
	f.Func("gpio", "`line` of a GPIO chip that events may wait for, like door=gpiochip0:17,active-low,pull-up,debounce=20ms; may be given again", func(v string) error {
		l, err := sense.ParseLine(v)
		cfg.Lines = append(cfg.Lines, l)
		return err
	})
	return f
}

// passphrase reads the first line of a file that only its owner can read.
func passphrase(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return "", err
	} else if st.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("others can read it (mode %v): chmod 600 %s", st.Mode().Perm(), path)
	}
	b, err := io.ReadAll(io.LimitReader(f, 4<<10))
	first, _, _ := strings.Cut(string(b), "\n")
	if first = strings.TrimSuffix(first, "\r"); err == nil && first == "" {
		err = errors.New("its first line is empty")
	}
	return first, err
}

// position reads "latitude,longitude".
func position(text string) (*alert.Point, error) {
	lat, lon, _ := strings.Cut(text, ",")
	var p alert.Point
	for _, c := range []struct {
		to   *float64
		text string
		most float64
	}{{&p.Lat, lat, 90}, {&p.Lon, lon, 180}} {
		v, err := strconv.ParseFloat(strings.TrimSpace(c.text), 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > c.most {
			return nil, errors.New("write latitude,longitude in degrees, like 48.85,2.35")
		}
		*c.to = v
	}
	return &p, nil
}

// check says what is wrong with a player's settings, in words.
func check(cfg *agent.Config) error {
	switch {
	case cfg.Headless != "" && !regexp.MustCompile(`^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$`).MatchString(cfg.Headless):
		return fmt.Errorf("--headless %q is not like 1280x720", cfg.Headless)
	case cfg.Lang != "fr" && cfg.Lang != "en":
		return fmt.Errorf("--lang %q is neither fr nor en", cfg.Lang)
	case cfg.Relay == "" && (cfg.Trust.CAFile != "" || cfg.Trust.Pin != ""):
		return errors.New("--relay-ca and --relay-pin are of no use without --relay")
	case cfg.AlertFeed != "" && !strings.HasPrefix(cfg.AlertFeed, "https://") && !strings.HasPrefix(cfg.AlertFeed, "http://"):
		return fmt.Errorf("--alert-feed %q is not an address like https://host/alerts.xml", cfg.AlertFeed)
	}
	if cfg.TriggerListen != "" {
		if err := trigger.CheckAddress(cfg.TriggerListen); err != nil {
			return fmt.Errorf("--trigger-listen: %w", err)
		}
	}
	return ownFolder(cfg.Dir)
}

func language() string {
	for _, key := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(key); v != "" {
			if strings.HasPrefix(v, "fr") {
				return "fr"
			}
			return "en"
		}
	}
	return "en"
}
