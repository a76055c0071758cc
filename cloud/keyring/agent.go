package keyring

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"vitrine/agent/bundle"
)

// Patience with an ssh-agent: it may have to wait for a person who touches a device.
const (
	listTime = 5 * time.Second
	signTime = time.Minute
)

// Agent are the Ed25519 keys that the ssh-agent of this session holds ($SSH_AUTH_SOCK). It signs the very bytes that it is
// given (RFC 8709), so that a key which never leaves it, or a smart card behind it, signs a bundle as a file's key does.
func Agent() ([]Key, error) {
	var listed []*agent.Key
	err := talk(listTime, func(a agent.ExtendedAgent) (err error) {
		listed, err = a.List()
		return err
	})
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, l := range listed {
		parsed, err := ssh.ParsePublicKey(l.Blob)
		if err != nil {
			continue // of a type that is not known here
		}
		public, err := publicOf(parsed, l.Comment)
		if err != nil {
			continue
		}
		keys = append(keys, Key{Public: public, open: func(Ask) (bundle.PrivateKey, error) {
			return bundle.Elsewhere(held{public, parsed})
		}})
	}
	return keys, nil
}

// talk opens a connection for one question.
func talk(within time.Duration, question func(agent.ExtendedAgent) error) (err error) {
	path := os.Getenv("SSH_AUTH_SOCK")
	if path == "" {
		return errors.New("no ssh-agent runs in this session ($SSH_AUTH_SOCK is empty)")
	}
	c, err := net.DialTimeout("unix", path, listTime)
	if err != nil {
		return fmt.Errorf("ask the ssh-agent: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	return question(agent.NewClient(c))
}

// held is a key in an ssh-agent.
type held struct {
	public Public
	key    ssh.PublicKey
}

// Public implements crypto.Signer.
func (h held) Public() crypto.PublicKey { return h.public.Key }

// Sign implements crypto.Signer: plain Ed25519 over the message.
func (h held) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) (sig []byte, err error) {
	err = talk(signTime, func(a agent.ExtendedAgent) error {
		s, err := a.Sign(h.key, message)
		if err != nil {
			return fmt.Errorf("the ssh-agent does not sign: %w", err)
		}
		if s.Format != ssh.KeyAlgoED25519 {
			return fmt.Errorf("the ssh-agent gives a signature of type %s", s.Format)
		}
		sig = s.Blob
		return nil
	})
	return sig, err
}
