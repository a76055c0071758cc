package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"vitrine/agent/bundle/parcel"
	"vitrine/agent/clock"
	"vitrine/agent/control"
	"vitrine/agent/identity"
	"vitrine/agent/mailroom"
	"vitrine/agent/secret"
	"vitrine/cloud/api"
)

// relayEvery is the pause between two tries of a new relay.
const relayEvery = 5 * time.Second

// admit reads who the player is, and opens its vault and its mailroom. A player without an identity plays on without them.
func (a *Agent) admit() error {
	a.clearExports()
	me, err := identity.Load(a.cfg.Dir)
	if errors.Is(err, identity.ErrIdentity) {
		a.stranger = true
		a.board.Set("secrets", err)
		if a.cfg.Relay != "" {
			a.board.Set("relay", err)
		}
		return nil
	} else if err != nil {
		return err
	}
	a.me = me
	to, err := me.Recipient()
	if err != nil {
		return err
	}
	a.vault, err = secret.New(secret.Config{Path: filepath.Join(a.cfg.Dir, "vault.age"), Key: me.Seal, Publisher: a.publisher, Now: a.clock.Now})
	if err != nil {
		return err
	}
	a.board.Set("secrets", a.vault.Fault())
	a.mail, err = mailroom.New(mailroom.Config{Path: filepath.Join(a.cfg.Dir, "parcels.json"), Trust: a.store.Trust, Names: a.names, Recipient: to, Now: a.instants,
		Vault: a.vault, Do: errands{a}, Log: a.log})
	return err
}

// publisher is whom the player believes: the SHA-256 of the first root; "" = nobody yet.
func (a *Agent) publisher() string {
	if t := a.store.Trust(); t != nil {
		return string(t.Fingerprint())
	}
	return ""
}

// Secret gives what a connector proves itself with to a host; see secret.Vault.
func (a *Agent) Secret(name, host string) (secret.Secret, error) {
	if a.vault == nil {
		return secret.Secret{}, fmt.Errorf("the secret %q: this player has no vault, because it has no identity: see its checks", name)
	}
	return a.vault.Open(name, host)
}

// names are those by which a parcel may mean this player: its id at the relay, and, for one that never saw a relay, its key's
// SHA-256 and its recipient.
func (a *Agent) names() (names, groups []string) {
	live, _ := a.store.Live()
	to, err := a.me.Recipient()
	if err != nil {
		to = ""
	}
	return []string{live.Settings.ID, api.DeviceKeyID(a.me.Public()), to}, live.Settings.Groups
}

// instants are one that is surely past, and now if the clock is believed.
func (a *Agent) instants() (certain, likely time.Time) {
	certain = a.store.Floor().Time
	if st, _ := a.clock.State(); st.Trust == clock.Trusted || st.Trust == clock.Held {
		likely = st.Now
	}
	return certain, likely
}

// errands are what parcels make the player do.
type errands struct{ *Agent }

// Settle implements mailroom's doer: settings that stand above the relay's, and those that are set once.
func (e errands) Settle(s parcel.Settings) error {
	live, _ := e.store.Live()
	next, err := e.mail.Stand(live.Settings)
	if err == nil {
		err = e.store.SetSettings(next)
	}
	if s.Volume != nil {
		err = errors.Join(err, e.SetVolume(*s.Volume))
	}
	if s.Rotate != nil {
		_, turned := e.Arrange(context.Background(), turn(*s.Rotate))
		err = errors.Join(err, turned)
	}
	if err != nil {
		return fmt.Errorf("the settings are known, but not all of them can be done: %w", err)
	}
	e.poke()
	return nil
}

// relayNow is the relay that the player starts with: that of the command line, unless a root-signed parcel has moved it.
func (a *Agent) relayNow() (base string, trust api.Trust) {
	if a.mail == nil {
		return a.cfg.Relay, a.cfg.Trust
	}
	r := a.mail.Relay()
	if r == nil || r.State != mailroom.RelayTaken || r.Was != a.cfg.Relay {
		return a.cfg.Relay, a.cfg.Trust
	}
	return r.Address, api.Trust{Pin: r.Pin}
}

// relay is the address of the relay, "" = there is none.
func (a *Agent) relay() string {
	if a.uplink == nil {
		return a.cfg.Relay
	}
	return a.uplink.Base()
}

// Reach implements mailroom's doer: whoever waits for it is woken.
func (e errands) Reach(parcel.Relay) {
	select {
	case e.reach <- struct{}{}:
	default:
	}
}

// moving does what is left of settings, and tries a relay that a parcel has named until it answers or its time is over. The
// player stays at the one before meanwhile, and for good when that never happens.
func (a *Agent) moving(ctx context.Context) error {
	if err := a.mail.Settle(); err != nil {
		a.log.Warn("settings not all done", "error", err)
	}
	for ctx.Err() == nil {
		r := a.mail.Relay()
		if r == nil || r.State != mailroom.RelayTrying {
			select {
			case <-ctx.Done():
			case <-a.reach:
			}
			continue
		}
		if err := a.try(ctx, r.Relay); err != nil && ctx.Err() == nil {
			a.log.Warn("relay not changed", "relay", r.Address, "error", err)
			a.wait(ctx, time.After(relayEvery))
		}
	}
	return nil
}

// wait blocks until c, another relay is named, or ctx ends; true = it was c.
func (a *Agent) wait(ctx context.Context, c <-chan time.Time) bool {
	select {
	case <-ctx.Done():
	case <-a.reach:
	case <-c:
		return true
	}
	return false
}

// try ends when it is known what becomes of the relay, or another one is named.
func (a *Agent) try(ctx context.Context, r parcel.Relay) error {
	trust, end := api.Trust{Pin: r.Pin}, time.Now().Add(r.Try())
	for {
		err := a.uplink.Try(ctx, r.Address, trust)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			if err := a.mail.Reached(r, a.cfg.Relay); err != nil {
				return err
			}
			return a.uplink.Move(r.Address, trust)
		case !time.Now().Before(end):
			a.log.Warn("new relay not reached in time; the one before is kept", "relay", r.Address, "error", err)
			return a.mail.Left(r, err)
		}
		if !a.wait(ctx, time.After(min(relayEvery, time.Until(end)))) {
			return nil
		}
	}
}

// turn is how a screen is turned.
func turn(degrees int) control.Order {
	v := ""
	if degrees != 0 {
		v = strconv.Itoa(degrees)
	}
	return control.Order{Set: map[string]string{"rotate": v}}
}
