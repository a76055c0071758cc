package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"strings"

	"github.com/cloudsoda/go-smb2"
)

// smb is a file or folder of a Windows share: SMB 2 or 3, always signed.
type smb struct {
	spec Spec
	env  Env
	addr string
	path string
}

func newSMB(spec Spec, env Env) (*smb, error) {
	addr, err := address(spec.Host, "445")
	switch {
	case err != nil:
		return nil, err
	case spec.Secret == "":
		return nil, errNoSecret
	case spec.Share == "" || strings.ContainsAny(spec.Share, `/\`):
		return nil, fmt.Errorf("its share %q is not a name; write host, share and path each by itself", spec.Share)
	}
	p := path.Clean("/" + strings.ReplaceAll(spec.Path, `\`, "/"))[1:]
	return &smb{spec: spec, env: env, addr: addr, path: p}, nil
}

func (l *smb) fetch(ctx context.Context, limit int64, known mark) ([]byte, mark, error) {
	s, err := l.mount(ctx, limit)
	if err != nil {
		return nil, mark{}, err
	}
	return read(ctx, s, l.path, limit, known)
}

func (l *smb) dial(ctx context.Context) (folder, string, error) {
	s, err := l.mount(ctx, maxListing)
	return s, l.path, err
}

func (l *smb) mount(ctx context.Context, most int64) (*smbShare, error) {
	sec, err := l.env.secretFor(l.spec.Secret, l.addr)
	if err != nil {
		return nil, err
	}
	raw, err := connect(ctx, l.addr, most)
	if err != nil {
		return nil, err
	}
	conn := &sealedConn{Conn: raw}
	share := &smbShare{conn: raw, of: l}
	d := smb2.Dialer{Negotiator: smb2.Negotiator{RequireMessageSigning: true},
		Initiator: &smb2.NTLMInitiator{User: sec.User, Password: sec.Password, Domain: sec.Domain}}
	session, err := d.DialConn(ctx, conn, l.addr)
	if err != nil {
		raw.Close()
		return nil, share.sentence(err)
	}
	conn.sealed.Store(l.spec.Encrypted)
	host, _, _ := net.SplitHostPort(l.addr)
	mounted, err := session.WithContext(ctx).Mount(`\\` + host + `\` + l.spec.Share)
	if err != nil {
		raw.Close()
		return nil, share.sentence(err)
	}
	share.share = mounted.WithContext(ctx)
	return share, nil
}

// smbShare is a share for the time of one fetch.
type smbShare struct {
	conn  net.Conn
	share *smb2.Share
	of    *smb
}

func (s *smbShare) open(name string) (openedCloser, error) { return s.share.Open(name) }

func (s *smbShare) readDir(_ context.Context, name string) ([]os.FileInfo, error) {
	return s.share.ReadDir(name)
}

// close hangs up: Logoff would wait for a server that stalls.
func (s *smbShare) close() { s.conn.Close() }

// NT status codes (MS-ERREF 2.3.1) that have advice of their own.
const (
	statusLogonFailure    = 0xC000006D
	statusWrongPassword   = 0xC000006A
	statusNoSuchUser      = 0xC0000064
	statusAccountDisabled = 0xC0000072
	statusAccountLocked   = 0xC0000234
	statusPasswordExpired = 0xC0000071
	statusMustChange      = 0xC0000224
	statusAccessDenied    = 0xC0000022
	statusBadNetworkName  = 0xC00000CC
	statusNotFound        = 0xC0000034
	statusPathNotFound    = 0xC000003A
	statusSharing         = 0xC0000043
)

func (s *smbShare) sentence(err error) error {
	var answer *smb2.ResponseError
	var broken *smb2.TransportError
	spec := s.of.spec
	if errors.As(err, &answer) {
		switch answer.Code {
		case statusLogonFailure, statusWrongPassword, statusNoSuchUser:
			return fmt.Errorf("%s refuses the secret %q; look whether its user, password and domain are still right", spec.Host, spec.Secret)
		case statusAccountDisabled, statusAccountLocked, statusPasswordExpired, statusMustChange:
			return fmt.Errorf("%s refuses the secret %q; its account is locked, disabled or its password has expired", spec.Host, spec.Secret)
		case statusBadNetworkName:
			return fmt.Errorf("%s has no share %q", spec.Host, spec.Share)
		case statusSharing:
			return fmt.Errorf("another program holds %s open; it is read again soon", s.of.path)
		case statusAccessDenied:
			return fmt.Errorf("the user of the secret %q may not read %s on %s", spec.Secret, s.of.path, spec.Host)
		case statusNotFound, statusPathNotFound:
			return s.missing()
		}
	}
	if errors.As(err, &broken) { // go-smb2 says what broke it, but does not wrap it
		err = broken.Err
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errGuest):
		return fmt.Errorf("%s takes the secret %q for a guest, and guests cannot sign; look at its user and password", spec.Host, spec.Secret)
	case errors.Is(err, errPlain):
		return fmt.Errorf("the share %s of %s does not encrypt, which the source asks for; let it (Samba: smb encrypt = required), or leave encrypted out", spec.Share, spec.Host)
	case errors.Is(err, fs.ErrNotExist):
		return s.missing()
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the user of the secret %q may not read %s on %s", spec.Secret, s.of.path, spec.Host)
	}
	return Explain(err, spec.Host)
}

func (s *smbShare) missing() error {
	return fmt.Errorf("there is no %s in the share %s of %s", s.of.path, s.of.spec.Share, s.of.spec.Host)
}
