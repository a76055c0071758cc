package bundle

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/render/scene"
)

// Bounds of what plays.
const (
	// MaxFor is the longest that an item or a scene may be said to stay.
	MaxFor        = 31 * 24 * time.Hour
	maxTransition = 5 * time.Second
	maxPage       = 10_000
	maxHosts      = 32
	maxURL        = 2000 // bytes
	maxBed        = 200  // items
)

var hostName = regexp.MustCompile(`^([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?\.)*[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$`)

func (m *Manifest) validateItem(i scene.Item) error {
	if err := m.validateMedium(i); err != nil {
		return err
	}
	switch {
	case (i.Kind.Still() || i.Kind.Endless()) && i.For == 0:
		return fmt.Errorf("an item of kind %s needs a length", i.Kind)
	case i.For < 0 || time.Duration(i.For) > MaxFor:
		return fmt.Errorf("its length %s is not within 0 to %s", time.Duration(i.For), MaxFor)
	case !slices.Contains([]scene.Fit{"", scene.Cover, scene.Contain, scene.Stretch}, i.Fit):
		return fmt.Errorf("its fit %q is not cover, contain or stretch", i.Fit)
	case i.Volume < 0 || i.Volume > 100:
		return fmt.Errorf("its volume %d is not within 0 to 100", i.Volume)
	case i.Kind != scene.Page && i.Page != 0, i.Kind == scene.Page && (i.Page < 1 || i.Page > maxPage):
		return fmt.Errorf("its page %d is not that of a document, 1 to %d", i.Page, maxPage)
	case len(i.Files) > 0 || len(i.Rows) > 0:
		return errors.New("it brings bound files or rows of its own")
	case i.StandIn != "" && !i.Kind.Endless():
		return fmt.Errorf("an item of kind %s has no stand-in", i.Kind)
	case i.Kind != scene.Web && (i.Source != "" || len(i.Hosts) > 0):
		return fmt.Errorf("an item of kind %s has neither a source nor hosts", i.Kind)
	}
	if i.StandIn != "" {
		if _, ok := m.Files[i.StandIn]; !ok {
			return fmt.Errorf("its stand-in %q is not in the bundle", i.StandIn)
		}
	}
	if i.Source != "" {
		if _, ok := m.Sources[i.Source]; !ok {
			return fmt.Errorf("its source %q is not defined", i.Source)
		}
	}
	return errors.Join(checkHosts(i.Hosts), CheckTransition(i.Transition))
}

// validateMedium checks what an item shows: a file of the bundle, or an address of one of the schemes of its kind.
func (m *Manifest) validateMedium(i scene.Item) error {
	switch i.Kind {
	case scene.Stream:
		return CheckStream(i.Src)
	case scene.Web:
		if strings.Contains(i.Src, "://") {
			return CheckPage(i.Src)
		}
		if PageFolder(i.Src) == "" {
			return errors.New("its page is in no folder of its own")
		}
	case scene.Video, scene.Image, scene.Animation, scene.Page, scene.Audio:
	default:
		return fmt.Errorf("its kind %.40q is not known", i.Kind)
	}
	if _, ok := m.Files[i.Src]; !ok {
		return errors.New("it is not in the bundle")
	}
	return nil
}

func (m *Manifest) validateBed(b *scene.Bed) error {
	if b == nil {
		return nil
	}
	switch {
	case len(b.Playlist) < 1 || len(b.Playlist) > maxBed:
		return fmt.Errorf("its audio has %d items; 1 to %d are allowed", len(b.Playlist), maxBed)
	case b.Volume < 0 || b.Volume > 100 || b.Duck < 0 || b.Duck > 100:
		return fmt.Errorf("its audio's volume %d or duck %d is not within 0 to 100", b.Volume, b.Duck)
	}
	for _, i := range b.Playlist {
		if i.Kind != scene.Audio {
			return fmt.Errorf("its audio has an item of kind %.40q", i.Kind)
		}
		if err := m.validateItem(i); err != nil {
			return fmt.Errorf("audio %.200q: %w", i.Src, err)
		}
	}
	return nil
}

// CheckTransition refuses transitions that do not exist, or that take longer than 5 s. nil is a cut.
func CheckTransition(t *scene.Transition) error {
	switch {
	case t == nil:
		return nil
	case !slices.Contains([]string{"cut", "fade", "slide", "wipe"}, t.Kind):
		return fmt.Errorf("its transition %.40q is not cut, fade, slide or wipe", t.Kind)
	case t.For < 0 || time.Duration(t.For) > maxTransition:
		return fmt.Errorf("its transition takes %s; %s are the most", time.Duration(t.For), maxTransition)
	case !slices.Contains([]string{"", "left", "right", "up", "down"}, t.Toward):
		return fmt.Errorf("its transition goes toward %.40q, which is not left, right, up or down", t.Toward)
	case t.Toward != "" && t.Kind != "slide" && t.Kind != "wipe":
		return fmt.Errorf("a %s does not go toward anything", t.Kind)
	}
	return nil
}

// StreamSchemes are how a live stream's address may begin.
func StreamSchemes() []string { return []string{"https", "http", "udp", "rtp", "rtsp", "srt"} }

// CheckStream refuses addresses that are not those of a live stream: HLS by https or http, MPEG-TS by udp or rtp (with a
// port; "udp://@239.0.0.1:5004" is taken too), rtsp, or srt (with a port). The error is a sentence about the address.
func CheckStream(address string) error {
	u, err := parseAddress(address, StreamSchemes())
	if err != nil {
		return err
	}
	if u.User != nil && (u.Scheme != "udp" && u.Scheme != "rtp" || u.User.String() != "") {
		return errors.New("the address has a name and a password in it, which everyone with the bundle could read")
	}
	if slices.Contains([]string{"udp", "rtp", "srt"}, u.Scheme) && u.Port() == "" {
		return fmt.Errorf("an address that begins with %s:// needs a port, such as %s://239.0.0.1:5004", u.Scheme, u.Scheme)
	}
	return nil
}

// CheckPage refuses addresses that are not those of a web page by https. The error is a sentence about the address.
func CheckPage(address string) error {
	u, err := parseAddress(address, []string{"https"})
	if err == nil && u.User != nil {
		err = errors.New("the address has a name and a password in it, which everyone with the bundle could read")
	}
	return err
}

func parseAddress(address string, schemes []string) (*url.URL, error) {
	plain := len(address) <= maxURL && utf8.ValidString(address) && !strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' })
	if !plain {
		return nil, fmt.Errorf("%.60q is not an address of at most %d plain characters", address, maxURL)
	}
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || !slices.Contains(schemes, u.Scheme) {
		return nil, fmt.Errorf("%.60q is not an address that begins with %s", address, strings.Join(schemes, "://, ")+"://")
	}
	if !isHost(u.Hostname()) {
		return nil, fmt.Errorf("%.60q names no machine", address)
	}
	if p := u.Port(); p != "" {
		if n, err := net.LookupPort("tcp", p); err != nil || n < 1 || strings.TrimLeft(p, "0123456789") != "" {
			return nil, fmt.Errorf("%.60q has a port that is not within 1 to 65535", address)
		}
	}
	return u, nil
}

// isHost tells whether s is a DNS name or an IP address without a zone.
func isHost(s string) bool {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Zone() == ""
	}
	return len(s) <= 253 && hostName.MatchString(s)
}

// CheckHost refuses what is not the plain name or address of a machine, such as "fonts.example.com".
func CheckHost(s string) error {
	if !isHost(s) {
		return fmt.Errorf("%.60q is not the name of a host, such as www.example.com", s)
	}
	return nil
}

func checkHosts(hosts []string) error {
	if len(hosts) > maxHosts {
		return fmt.Errorf("it has %d hosts; %d are the most", len(hosts), maxHosts)
	}
	for _, h := range hosts {
		if err := CheckHost(h); err != nil {
			return err
		}
	}
	return nil
}
