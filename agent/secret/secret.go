// Package secret keeps what the player proves itself with to the customer's own servers.
//
//	relay, stick, vitrine-player secret set ──sealed for this player──> vault ──only to the hosts it is bound to──> connector
package secret

import "log/slog"

// Secret is one set of credentials. Which fields count depends on the connector that uses it.
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

// String never tells what is secret.
func (Secret) String() string { return "(secret)" }

// GoString never tells what is secret.
func (Secret) GoString() string { return "(secret)" }

// LogValue never tells what is secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("(secret)") }
