package place_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"vitrine/agent/connect/place"
	"vitrine/agent/secret"
)

func TestAFileThatIsWrittenWhileItIsReadIsNotTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(64 << 20); err != nil {
		t.Fatal(err)
	}
	ended, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		for {
			select {
			case <-ended:
				return
			default:
				_, _ = f.WriteAt([]byte("x"), 0)
			}
		}
	}()
	_, err = open(t, place.Spec{Type: "file", Path: path}, place.Env{}).Read(within(t, time.Minute), 128<<20)
	close(ended)
	<-written
	says(t, err, "was written while it was read")
}

func TestAPlaceThatIsNotAsItMustBeIsRefused(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "own")
	pipe := filepath.Join(dir, "pipe")
	if err := errors.Join(os.Mkdir(own, 0o755), os.WriteFile(filepath.Join(own, "key"), []byte(canary), 0o600), os.Symlink(own, filepath.Join(dir, "link")), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spec place.Spec
		says string
	}{
		"the player's own":            {place.Spec{Type: "file", Path: filepath.Join(own, "key")}, "belongs to the player itself"},
		"the player's own by a link":  {place.Spec{Type: "file", Path: filepath.Join(dir, "link", "key")}, "belongs to the player itself"},
		"a pipe":                      {place.Spec{Type: "file", Path: pipe}, "not a plain file"},
		"a device":                    {place.Spec{Type: "file", Path: "/dev/zero"}, "not a plain file"},
		"half a path":                 {place.Spec{Type: "file", Path: "menus.csv"}, "does not begin with /"},
		"a share that is not mounted": {place.Spec{Type: "nfs", Path: filepath.Join(dir, "x")}, "no share is mounted"},
		"a share with a path":         {place.Spec{Type: "smb", Host: "x", Share: "a/b", Secret: "s"}, "not a name"},
		"a share without a secret":    {place.Spec{Type: "smb", Host: "x", Share: "a"}, "names no secret"},
		"a host that is an address":   {place.Spec{Type: "smb", Host: "//x", Share: "a", Secret: "s"}, "not a name"},
		"sftp without a host key":     {place.Spec{Type: "sftp", Host: "x", Path: "a", Secret: "s"}, "ssh-keygen -lf"},
		"nowhere":                     {place.Spec{Type: "ftp"}, "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := place.Open(c.spec, place.Env{Deny: own})
			if err == nil {
				_, err = p.Read(within(t, time.Minute), 100)
			}
			says(t, err, c.says)
		})
	}
	table, err := place.Tree(within(t, time.Minute), open(t, place.Spec{Type: "file", Path: dir}, place.Env{Deny: own}), place.Bounds{Depth: 5})
	if err != nil || len(table.Rows) != 0 { // the pipe and the link are no files
		t.Errorf("%v, %v", table.Rows, err)
	}
}

func TestAFileThatIsSavedIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "menus.csv")
	changes := make(chan struct{}, 1)
	stop, err := place.Watch(path, changes)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, write := range []func() error{
		func() error { return os.WriteFile(path, []byte("a"), 0o600) },
		func() error {
			return errors.Join(os.WriteFile(path+".new", []byte("b"), 0o600), os.Rename(path+".new", path))
		},
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changes:
		case <-time.After(time.Minute):
			t.Fatal("nothing is told")
		}
	}
}

// sshServer is one that takes passwords: OpenSSH's would want one in the machine's own list of users.
func sshServer(t *testing.T, cfg *ssh.ServerConfig) (addr, hostKey string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cfg.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveSSH(c, cfg)
		}
	}()
	return l.Addr().String(), ssh.FingerprintSHA256(signer.PublicKey())
}

func serveSSH(c net.Conn, cfg *ssh.ServerConfig) {
	defer c.Close()
	_, channels, requests, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		channel, requests, err := n.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem" && strings.HasSuffix(string(r.Payload), "sftp"), nil)
			}
		}()
		server, err := sftp.NewServer(channel, sftp.ReadOnly())
		if err != nil {
			return
		}
		if err := server.Serve(); err != nil && err != io.EOF {
			return
		}
	}
}

func TestASSHServerThatWantsAPassword(t *testing.T) {
	save(t, "password.csv", []byte("x"))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	right := func(password string) (*ssh.Permissions, error) {
		if password != canary {
			return nil, errors.New("no")
		}
		return nil, nil
	}
	for name, c := range map[string]struct {
		cfg ssh.ServerConfig
		is  secret.Secret
	}{
		"at once": {ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) { return right(string(p)) }}, secret.Secret{User: "board", Password: canary}},
		"by asking": {ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(answers) != 1 {
				return nil, err
			}
			return right(answers[0])
		}}, secret.Secret{User: "board", Password: canary}},
		"for its key": {ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }},
			secret.Secret{User: "board", Password: canary, Key: string(pem.EncodeToMemory(locked))}},
	} {
		t.Run(name, func(t *testing.T) {
			addr, key := sshServer(t, &c.cfg)
			spec := place.Spec{Type: "sftp", Host: addr, Path: filepath.Join(servers.files, "password.csv"), HostKey: key, Secret: "canteen"}
			if b, err := open(t, spec, place.Env{Secret: vault(c.is)}).Read(within(t, time.Minute), 10); err != nil || string(b) != "x" {
				t.Errorf("%q, %v", b, err)
			}
			c.is.Password = "wrong" + canary
			_, err := open(t, spec, place.Env{Secret: vault(c.is)}).Read(within(t, time.Minute), 10)
			says(t, err, `secret "canteen"`)
		})
	}
}
