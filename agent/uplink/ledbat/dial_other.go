//go:build !linux

package ledbat

import (
	"context"
	"errors"
	"net"
)

// Dialer makes connections; on this system they are ordinary ones.
type Dialer struct {
	Dialer net.Dialer
	Lame   func(error) // hears that it cannot be done here
}

// DialContext connects.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.Lame != nil {
		d.Lame(errors.New("this system does not let a download take only what is free of the line, so it takes its share"))
	}
	return d.Dialer.DialContext(ctx, network, address)
}
