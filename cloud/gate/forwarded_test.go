package gate

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestOnlyKnownProxiesNameTheCaller(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for name, c := range map[string]struct {
		from   string
		header []string
		want   string
	}{
		"a stranger names somebody else":          {"203.0.113.9:4000", []string{"198.51.100.1"}, "203.0.113.9"},
		"a proxy names its caller":                {"10.1.2.3:4000", []string{"198.51.100.1"}, "198.51.100.1"},
		"a proxy behind a proxy":                  {"10.1.2.3:4000", []string{"198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		"the caller has written a name before":    {"10.1.2.3:4000", []string{"192.0.2.66, 198.51.100.1"}, "198.51.100.1"},
		"in a header of its own":                  {"10.1.2.3:4000", []string{"192.0.2.66", "198.51.100.1"}, "198.51.100.1"},
		"a proxy names nobody":                    {"10.1.2.3:4000", nil, "10.1.2.3"},
		"a proxy passes on what is no address":    {"10.1.2.3:4000", []string{"198.51.100.1, unknown"}, "10.1.2.3"},
		"a proxy that speaks IPv6":                {"[::1]:4000", []string{"2001:db8::7"}, "2001:db8::7"},
		"an address of IPv4 written as one of v6": {"[::ffff:10.1.2.3]:4000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.from
			r.Header["X-Forwarded-For"] = c.header
			got := ""
			forwarded(proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = Address(r) })).ServeHTTP(httptest.NewRecorder(), r)
			if got != c.want {
				t.Errorf("the caller is %s, want %s", got, c.want)
			}
		})
	}
}
