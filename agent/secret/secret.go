// Package secret keeps what the player proves itself with to the customer's own servers.
//
//	relay, stick, vitrine-player secret set ──sealed for this player──> vault ──only to the hosts it is bound to──> connector
//
// A bundle only names secrets. On the disk they are encrypted to the player's own key, which is in identity.json: a copy of the
// vault alone is worth nothing, whoever has both is the player.
package secret

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// Bounds of a secret.
const (
	mostHosts    = 64
	longestField = 32 << 10 // bytes; a private key of 8192 bits in PEM has 6 KiB
	maxPort      = 65535
)

// Secret is one set of credentials. Which fields count depends on the connector that uses it. Open it where it is used and keep
// it in no struct: fmt does not ask a field that is not exported how it wants to be printed.
type Secret struct {
	User     string   `json:"user,omitempty"`
	Password string   `json:"password,omitempty"`
	Domain   string   `json:"domain,omitempty"` // of Windows: SMB, NTLM
	Token    string   `json:"token,omitempty"`  // bearer or refresh token, API key
	Client   string   `json:"client,omitempty"` // OAuth 2 client
	Tenant   string   `json:"tenant,omitempty"` // of Microsoft Entra
	Key      string   `json:"key,omitempty"`    // PEM: a private key for SSH, or of a service account
	Hosts    []string `json:"hosts"`            // where it may be sent: host or host:port, each exact; never empty
}

// open is a Secret as it is inside of what is encrypted.
type open Secret

const hidden = "(secret)"

// String never tells what is secret.
func (Secret) String() string { return hidden }

// GoString never tells what is secret.
func (Secret) GoString() string { return hidden }

// Format never tells what is secret, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue never tells what is secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON never tells what is secret; Seal and the vault write it in their own way.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// Fields names what is in it: "password", "token".
func (s Secret) Fields() (names []string) {
	for _, f := range []struct{ name, value string }{{"user", s.User}, {"password", s.Password}, {"domain", s.Domain}, {"token", s.Token},
		{"client", s.Client}, {"tenant", s.Tenant}, {"key", s.Key}} {
		if f.value != "" {
			names = append(names, f.name)
		}
	}
	return names
}

// name is what a secret may be called: bundles name it, and people on a command line.
var nameOf = regexp.MustCompile(`^[a-z0-9A-Z][a-z0-9A-Z._-]{0,63}$`)

// CheckName says what is wrong with a secret's name.
func CheckName(name string) error {
	if !nameOf.MatchString(name) {
		return fmt.Errorf("the secret's name %.80q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\", a letter or digit first", name)
	}
	return nil
}

// Check says what is wrong with a secret, in words that hold nothing of it.
func (s Secret) Check() error {
	if len(s.Fields()) == 0 {
		return errors.New("the secret is empty: give a password, a token or a key")
	}
	for _, v := range []string{s.User, s.Password, s.Domain, s.Token, s.Client, s.Tenant, s.Key} {
		if len(v) > longestField || strings.ContainsRune(v, 0) {
			return fmt.Errorf("a field of the secret is longer than %d KiB or holds a NUL: that is no password, token or key", longestField>>10)
		}
	}
	if len(s.Hosts) == 0 || len(s.Hosts) > mostHosts {
		return fmt.Errorf("the secret is bound to %d hosts; name 1 to %d that it may be sent to, like files.example.lan or db.example.lan:5432", len(s.Hosts), mostHosts)
	}
	for _, h := range s.Hosts {
		if _, _, err := splitHost(h); err != nil {
			return err
		}
	}
	return nil
}

// Allows says whether the secret may be sent to a host, "files.example.lan" or "files.example.lan:445". An entry without a port
// allows all of that host's; an entry with one allows that one alone.
func (s Secret) Allows(host string) bool {
	name, port, err := splitHost(host)
	if err != nil {
		return false
	}
	for _, h := range s.Hosts {
		if n, p, err := splitHost(h); err == nil && n == name && (p == "" || p == port) {
			return true
		}
	}
	return false
}

var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$`)

// splitHost reads host or host:port; names are compared in lower case without the root's dot (RFC 4343), addresses as such.
func splitHost(text string) (name, port string, err error) {
	bad := fmt.Errorf("%.100q is not a host like files.example.lan, 192.0.2.7 or db.example.lan:5432", text)
	name = text
	if ip := net.ParseIP(strings.Trim(text, "[]")); ip == nil {
		if n, p, ok := cutPort(text); ok {
			name, port = n, p
		}
	}
	if port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > maxPort || strconv.Itoa(n) != port {
			return "", "", bad
		}
	}
	if ip := net.ParseIP(strings.Trim(name, "[]")); ip != nil {
		return ip.String(), port, nil
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if len(name) > 253 || !hostName.MatchString(name) {
		return "", "", bad
	}
	return name, port, nil
}

func cutPort(text string) (name, port string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || i == len(text)-1 {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}
