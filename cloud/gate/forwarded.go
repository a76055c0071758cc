package gate

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwarded gives requests that come by a known proxy the address that the proxy names (X-Forwarded-For), so that limits are
// each caller's own. Of the names in that header those behind a known proxy count, from the last one back; what a stranger has
// written before them is not believed, nor is the header of anybody who is no known proxy.
func forwarded(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	known := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !known(from.Addr()) {
			next.ServeHTTP(w, r)
			return
		}
		names := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		caller := from.Addr()
		for _, name := range slices.Backward(names) {
			a, err := netip.ParseAddr(strings.TrimSpace(name))
			if err != nil {
				break // whoever stands behind that is not known
			}
			if caller = a.Unmap().WithZone(""); !known(caller) {
				break
			}
		}
		r.RemoteAddr = net.JoinHostPort(caller.String(), "0")
		next.ServeHTTP(w, r)
	})
}
