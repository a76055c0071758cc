package sense

import (
	"net"
	"net/netip"
	"slices"
)

// card is an interface as the kernel tells of it.
type card struct {
	name  string
	up    bool // it has a link
	addrs []netip.Addr
}

// cards lists the machine's interfaces but loopback.
func cards() ([]card, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var list []card
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			continue
		}
		c := card{name: i.Name, up: i.Flags&net.FlagUp != 0 && i.Flags&net.FlagRunning != 0}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it is gone already
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
				c.addrs = append(c.addrs, p.Addr())
			}
		}
		slices.SortStableFunc(c.addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
		list = append(list, c)
	}
	return list, nil
}

// networkMetrics are what is told of interfaces.
func networkMetrics(list []card) map[string]any {
	m := map[string]any{"network.up": false}
	var all []netip.Addr
	for _, c := range list {
		m["network.link."+c.name] = c.up
		if !c.up || len(c.addrs) == 0 {
			continue
		}
		m["network.up"], m["network.address."+c.name] = true, c.addrs[0].String()
		all = append(all, c.addrs...)
	}
	slices.SortStableFunc(all, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	if len(all) > 0 {
		m["network.address"] = all[0].String()
	}
	return m
}
