package place

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"vitrine/agent/secret"
)

// overSSH is a file or folder of an SSH server, whose key the source names: nothing is sent to any other.
type overSSH struct {
	spec Spec
	env  Env
	addr string
}

func newSFTP(spec Spec, env Env) (*overSSH, error) {
	addr, err := address(spec.Host, "22")
	switch {
	case err != nil:
		return nil, err
	case spec.Secret == "":
		return nil, errNoSecret
	case !strings.HasPrefix(spec.HostKey, "SHA256:"):
		return nil, fmt.Errorf("its hostKey %q does not begin with SHA256:; write what ssh-keygen -lf tells of the server's key", spec.HostKey)
	case spec.Path == "":
		return nil, errors.New("its path is missing")
	}
	return &overSSH{spec: spec, env: env, addr: addr}, nil
}

func (l *overSSH) fetch(ctx context.Context, limit int64, known mark) ([]byte, mark, error) {
	s, err := l.log(ctx, limit)
	if err != nil {
		return nil, mark{}, err
	}
	return read(ctx, s, l.spec.Path, limit, known)
}

func (l *overSSH) dial(ctx context.Context) (folder, string, error) {
	s, err := l.log(ctx, maxListing)
	return s, path.Clean(l.spec.Path), err
}

// log logs in.
func (l *overSSH) log(ctx context.Context, most int64) (*sshFiles, error) {
	sec, err := l.env.secretFor(l.spec.Secret, l.addr)
	if err != nil {
		return nil, err
	}
	methods, err := l.methods(sec)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, l.addr, most)
	if err != nil {
		return nil, err
	}
	files := &sshFiles{conn: conn, of: l}
	c, channels, requests, err := ssh.NewClientConn(conn, l.addr, &ssh.ClientConfig{User: sec.User, Auth: methods,
		HostKeyCallback: l.known, HostKeyAlgorithms: keyKinds, ClientVersion: "SSH-2.0-vitrine"})
	if err != nil {
		conn.Close()
		return nil, files.sentence(err)
	}
	files.client, err = sftp.NewClient(ssh.NewClient(c, channels, requests))
	if err != nil {
		conn.Close()
		return nil, files.sentence(err)
	}
	return files, nil
}

// keyKinds are the kinds of server key, the best first; the server's fingerprint must be that of the first it has.
var keyKinds = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}

func (l *overSSH) methods(sec secret.Secret) ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if sec.Key != "" {
		key, err := ssh.ParsePrivateKey([]byte(sec.Key))
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) {
			key, err = ssh.ParsePrivateKeyWithPassphrase([]byte(sec.Key), []byte(sec.Password))
		}
		if err != nil {
			return nil, fmt.Errorf("the key of the secret %q cannot be read; it must be a private key as ssh-keygen makes it", l.spec.Secret)
		}
		return append(methods, ssh.PublicKeys(key)), nil
	}
	return append(methods, ssh.Password(sec.Password), ssh.KeyboardInteractive(func(_, _ string, asked []string, echo []bool) ([]string, error) {
		answers := make([]string, len(asked))
		for i := range asked {
			if !echo[i] {
				answers[i] = sec.Password
			}
		}
		return answers, nil
	})), nil
}

// wrongKeyError is a server with another key.
type wrongKeyError struct{ host, has, want string }

func (e *wrongKeyError) Error() string {
	return fmt.Sprintf("%s has the key %s, not %s: it is another server, or its key was changed; ask who runs it before you change hostKey", e.host, e.has, e.want)
}

func (l *overSSH) known(_ string, _ net.Addr, key ssh.PublicKey) error {
	has := ssh.FingerprintSHA256(key)
	if subtle.ConstantTimeCompare([]byte(has), []byte(strings.TrimRight(l.spec.HostKey, "="))) != 1 {
		return &wrongKeyError{l.spec.Host, has, l.spec.HostKey}
	}
	return nil
}

// sshFiles are the files of a server for the time of one fetch.
type sshFiles struct {
	conn   net.Conn
	client *sftp.Client
	of     *overSSH
}

func (s *sshFiles) open(name string) (openedCloser, error) {
	f, err := s.client.Open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (s *sshFiles) readDir(ctx context.Context, name string) ([]os.FileInfo, error) {
	return s.client.ReadDirContext(ctx, name)
}

func (s *sshFiles) close() { s.conn.Close() }

func (s *sshFiles) sentence(err error) error {
	spec := s.of.spec
	var wrong *wrongKeyError
	switch {
	case err == nil, errors.Is(err, ErrUnchanged):
		return err
	case errors.As(err, &wrong):
		return wrong
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s on %s", spec.Path, spec.Host)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the user of the secret %q may not read %s on %s", spec.Secret, spec.Path, spec.Host)
	case strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), "unexpected message type 51"): // SSH_MSG_USERAUTH_FAILURE
		return fmt.Errorf("%s refuses the secret %q; look whether its user and its password or key are still right", spec.Host, spec.Secret)
	case strings.Contains(err.Error(), "no common algorithm"):
		return fmt.Errorf("%s speaks only old kinds of SSH; renew it (%w)", spec.Host, err)
	case errors.Is(err, sftp.ErrSSHFxConnectionLost):
		return fmt.Errorf("%s broke off before it had answered; it is asked again soon (%w)", spec.Host, err)
	case strings.Contains(err.Error(), "subsystem request failed"):
		return fmt.Errorf("%s gives no files over SSH: its sftp subsystem is off", spec.Host)
	}
	return Explain(err, spec.Host)
}
