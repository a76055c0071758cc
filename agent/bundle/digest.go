package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// DigestOf is the digest of b.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest(hex.EncodeToString(sum[:]))
}

// ParseDigest takes 64 lower-case hexadecimal digits and nothing else: names on disk and in URLs are made of it.
func ParseDigest(s string) (Digest, error) {
	if len(s) != 2*sha256.Size || strings.Trim(s, "0123456789abcdef") != "" {
		if len(s) > 80 {
			s = s[:80] + "…"
		}
		return "", fmt.Errorf("%q is not a SHA-256 digest: 64 lower-case hexadecimal digits are wanted", s)
	}
	return Digest(s), nil
}

// BlobPath is where a blob of that digest is in a bundle's tree: "b/ab/abcd…".
func (d Digest) BlobPath() string { return "b/" + string(d[:2]) + "/" + string(d) }

// ManifestPath is where an envelope of that digest is in a bundle's tree: "m/….json".
func (d Digest) ManifestPath() string { return "m/" + string(d) + ".json" }

// Short is the first twelve digits, for people.
func (d Digest) Short() string { return string(d[:min(12, len(d))]) }

// RootPath is where version n of a key chain is in a bundle's tree: "root/n.json".
func RootPath(n int) string { return fmt.Sprintf("root/%d.json", n) }

// digestOfHash ends a running SHA-256.
func digestOfHash(h hash.Hash) Digest { return Digest(hex.EncodeToString(h.Sum(nil))) }
