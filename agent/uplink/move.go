package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"vitrine/agent/uplink/ledbat"
	"vitrine/cloud/api"
)

// place is where a relay is.
type place struct {
	base  string
	trust api.Trust
}

// Base is the relay's address; "" = there is none.
func (u *Uplink) Base() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.at
}

// Move makes another relay the player's, as soon as Run can let go of the one before. The player proves itself with the same
// key: a relay that knows it takes it as it is, another asks a person to claim it. "" = none.
func (u *Uplink) Move(base string, trust api.Trust) error {
	if err := checkBase(base); base != "" && err != nil {
		return err
	}
	for {
		select {
		case u.moves <- place{base, trust}:
			return nil
		case <-u.moves: // nobody goes there any more
		}
	}
}

// Try says whether a relay answers at an address, as the one that is pinned, and speaks as one.
func (u *Uplink) Try(ctx context.Context, base string, trust api.Trust) error {
	if err := checkBase(base); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := u.dial(place{base, trust})
	if err != nil {
		return err
	}
	defer c.HTTP.CloseIdleConnections()
	t, err := c.Time(ctx, nil)
	if err == nil && t.Now.IsZero() {
		err = errors.New("what answers does not speak as a relay")
	}
	return err
}

func checkBase(base string) error {
	if u, err := url.Parse(base); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the relay's address %q is not like https://relay.example:8443", base)
	}
	return nil
}

// dial makes a client; it connects at the first call.
func (u *Uplink) dial(at place) (*api.Client, error) {
	at.trust.Now = u.cfg.Clock.TLSTime
	hc, err := api.NewHTTP(at.trust)
	if err != nil {
		return nil, err
	}
	c := &api.Client{Base: at.base, HTTP: hc}
	c.Token = c.Device(u.me.Key(), u.cfg.Clock.Now)
	return c, nil
}

// settle goes to a relay. Nothing else of the uplink runs meanwhile.
func (u *Uplink) settle(at place) error {
	var c, bulk *api.Client
	if at.base != "" {
		var err error
		if c, err = u.dial(at); err != nil {
			return err
		}
		idle := at
		if idle.trust.Dial == nil {
			d := &ledbat.Dialer{Dialer: net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}, Lame: u.setLame}
			idle.trust.Dial = d.DialContext
		}
		if bulk, err = u.dial(idle); err != nil {
			return err
		}
		bulk.Token = c.Token
	}
	for _, before := range []*api.Client{u.client, u.bulk} {
		if before != nil {
			before.HTTP.CloseIdleConnections()
		}
	}
	u.client, u.bulk, u.cfg.Base, u.cfg.Trust = c, bulk, at.base, at.trust
	u.mu.Lock()
	defer u.mu.Unlock()
	u.at, u.wanted, u.fetching, u.refused, u.lame = at.base, nil, nil, nil, nil
	return nil
}
