package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/bundle/parcel"
	"vitrine/agent/mailroom"
	"vitrine/agent/store"
	"vitrine/agent/update"
	"vitrine/cloud/api"
)

// What lies beside the store in a player's data folder is on the same disk, and is held to the same: the programs of updates,
// and which parcels were taken.

// installed is the version of the programs that the day's system brought.
const installed = "1.0.0"

// programs are those of a version: scripts that say which it is, long enough to be written in parts.
func programs(version string) (u parcel.Update, on shelf) {
	u, on = parcel.Update{Version: version, OS: runtime.GOOS, Arch: runtime.GOARCH}, shelf{}
	for _, name := range []string{"vitrine-player", "vitrine-render"} {
		b := fmt.Appendf(nil, "#!/bin/sh\necho %s\nexit\n# %s %x\n", version, name, noise(uint64(len(name)), 40_000))
		sum := sha256.Sum256(b)
		d := bundle.Digest(hex.EncodeToString(sum[:]))
		on[d] = b
		u.Programs = append(u.Programs, parcel.Program{Name: name, SHA256: d, Size: int64(len(b))})
	}
	return u, on
}

// shelf is where programs lie.
type shelf map[bundle.Digest][]byte

func (s shelf) Blob(_ context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s[d][from:])), nil
}

// renew takes an update, as a parcel asks for it.
func renew(version string) func(*store.Store, string, string) error {
	return func(_ *store.Store, data, _ string) error {
		u, on := programs(version)
		_, err := update.Open(data, installed).Install(context.Background(), u, on)
		return err
	}
}

// comeUp starts what is active, and ends its trial as a first frame does.
func comeUp(_ *store.Store, data, _ string) error {
	if _, _, err := update.Open(data, installed).Choose(); err != nil {
		return err
	}
	return update.Open(data, installed).Bless()
}

// starts is the version that a start hands over to, "" = what is installed, and what of it is not right.
func starts(data string) (version string, wrong []string) {
	path, note, err := update.Open(data, installed).Choose()
	if err != nil || note != "" {
		wrong = append(wrong, fmt.Sprintf("of its programs it says %q, %v", note, err))
	}
	if path == "" {
		return "", wrong
	}
	version = filepath.Base(filepath.Dir(path))
	u, on := programs(version)
	for _, p := range u.Programs {
		if b, err := os.ReadFile(filepath.Join(filepath.Dir(path), p.Name)); err != nil || string(b) != string(on[p.SHA256]) {
			wrong = append(wrong, fmt.Sprintf("%s of version %s is not whole: %d bytes, %v", p.Name, version, len(b), err))
		}
	}
	return version, wrong
}

// mail is the store's player's mailroom.
func mail(s *store.Store, data string) (*mailroom.Mailroom, error) {
	past := time.Unix(1e9, 0)
	return mailroom.New(mailroom.Config{Path: filepath.Join(data, "parcels.json"), Trust: s.Trust, Do: idle{},
		Names: func() ([]string, []string) { return []string{"p1"}, nil }, Now: func() (time.Time, time.Time) { return past, past }})
}

// idle does nothing of what parcels say.
type idle struct{}

func (idle) Settle(parcel.Settings) error                                { return nil }
func (idle) Reach(parcel.Relay)                                          {}
func (idle) Update(context.Context, parcel.Update, mailroom.Blobs) error { return nil }
func (idle) Export(parcel.Export, string) error                          { return nil }

// opens takes a parcel of the day.
func opens(n int) func(*store.Store, string, string) error {
	return func(s *store.Store, data, from string) error {
		room, err := mail(s, data)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(from, fmt.Sprintf("parcel-%d.json", n)))
		if err == nil {
			_, err = room.Take(context.Background(), b, "relay", nil)
		}
		return err
	}
}

// told is what the newest parcel has said.
func told(s *store.Store, data string) (string, error) {
	room, err := mail(s, data)
	if err != nil {
		return "", err
	}
	return room.Overlay(api.Settings{}).Name, nil
}

// parcels writes those of the day.
func parcels(t *testing.T, p *bundletest.Publisher, dir string) {
	t.Helper()
	for n := 1; n <= 3; n++ {
		name := fmt.Sprint("parcel ", n)
		one := &parcel.Parcel{Settings: &parcel.Settings{Name: &name}}
		one.Signed = bundle.Signed{Customer: p.Customer, Root: 1, Serial: uint64(n), Issued: today, Expires: today.AddDate(1, 0, 0)}
		b, err := one.Seal(p.Key)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("parcel-%d.json", n)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// besideFaults says what is wrong with what lies beside the store after a mishap.
func besideFaults(s *store.Store, data, from string, has, before, after kept) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	version, bad := starts(data)
	wrong = append(wrong, bad...)
	if version != before.Runs && version != after.Runs {
		add("version %q of the programs runs, want %q or %q", version, before.Runs, after.Runs)
	}
	if err := renew("1.9.0")(s, data, from); err != nil {
		add("it takes no other update: %v", err)
	} else if version, bad := starts(data); version != "1.9.0" || len(bad) > 0 {
		add("after another update version %q runs: %v", version, bad)
	}
	if has.Root == 0 {
		return wrong
	}
	said, err := told(s, data)
	if said != before.Told && said != after.Told || err != nil {
		add("the parcels said %q, want %q or %q: %v", said, before.Told, after.Told, err)
	}
	if before.Told == "parcel 2" {
		if err := opens(1)(s, data, from); !errors.Is(err, mailroom.ErrOlder) {
			add("an older parcel was taken: %v", err)
		}
	}
	if err := opens(3)(s, data, from); err != nil {
		add("it takes no other parcel: %v", err)
	}
	return wrong
}
