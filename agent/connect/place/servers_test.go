package place_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/connecttest"
	"vitrine/agent/connect/place"
	"vitrine/agent/secret"
)

// canary is a password that must not be found anywhere.
const canary = "kanarienvogel-7"

// The servers of this package's tests, each started once. All of them serve the folder files.
var servers struct {
	*connecttest.Stage
	files   string
	user    string
	ca      *connecttest.Authority
	smb     *connecttest.Proxy
	guests  *connecttest.Proxy // a Samba that takes a wrong password for a guest
	ssh     *connecttest.SSH
	dav     *connecttest.Proxy
	mounted string // files, through a mounted share
	mount   *connecttest.Proxy
}

func TestMain(m *testing.M) { connecttest.Main(m, start, func() { servers.Close() }) }

func start() error {
	var err error
	if servers.Stage, err = connecttest.NewStage(); err != nil {
		return err
	}
	me, err := user.Current()
	if err != nil {
		return err
	}
	servers.user, servers.files = me.Username, filepath.Join(servers.Dir, "files")
	if servers.ca, err = connecttest.NewAuthority(servers.Dir); err != nil {
		return err
	}
	if err := os.Mkdir(servers.files, 0o755); err != nil {
		return err
	}
	login := connecttest.Login{Files: servers.files, User: servers.user, Password: canary}
	return connecttest.Together(
		func() (err error) { servers.smb, err = servers.Samba("samba", "Never", login); return },
		func() (err error) { servers.guests, err = servers.Samba("guests", "Bad Password", login); return },
		func() (err error) { servers.ssh, err = servers.SSH(); return },
		func() (err error) {
			servers.dav, err = servers.Nginx(servers.ca, connecttest.Login{Files: servers.files, User: "board", Password: canary})
			return
		},
		func() (err error) { servers.mounted, servers.mount, err = servers.Mount(servers.files); return },
	)
}

// vault gives one secret to hosts of this machine.
func vault(s secret.Secret) func(string, string) (secret.Secret, error) {
	return func(name, host string) (secret.Secret, error) {
		if h, _, err := net.SplitHostPort(host); err != nil || h != "127.0.0.1" && h != "localhost" {
			return secret.Secret{}, fmt.Errorf("the secret %q may not go to %s", name, host)
		}
		return s, nil
	}
}

// shelf is a kind of place: how a path in the served folder is named there.
type shelf struct {
	name  string
	spec  func(path string) place.Spec
	env   place.Env
	proxy *connecttest.Proxy // nil = nothing is between
}

func shelves() []shelf {
	at := func(p *connecttest.Proxy) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)) }
	windows := place.Env{Secret: vault(secret.Secret{User: servers.user, Password: canary, Domain: "CANTEEN"})}
	return []shelf{
		{"file", func(p string) place.Spec { return place.Spec{Type: "file", Path: filepath.Join(servers.files, p)} }, place.Env{}, nil},
		{"nfs", func(p string) place.Spec { return place.Spec{Type: "nfs", Path: filepath.Join(servers.mounted, p)} }, place.Env{}, nil},
		{"smb", func(p string) place.Spec {
			return place.Spec{Type: "smb", Host: at(servers.smb), Share: "display", Path: p, Secret: "canteen"}
		}, windows, servers.smb},
		{"smb, encrypted", func(p string) place.Spec {
			return place.Spec{Type: "smb", Host: at(servers.smb), Share: "sealed", Path: strings.ReplaceAll(p, "/", `\`), Secret: "canteen", Encrypted: true}
		}, windows, servers.smb},
		{"sftp", func(p string) place.Spec {
			return place.Spec{Type: "sftp", Host: at(servers.ssh.Proxy), Path: filepath.Join(servers.files, p), HostKey: servers.ssh.HostKey, Secret: "canteen"}
		}, place.Env{Secret: vault(secret.Secret{User: servers.user, Key: servers.ssh.Key})}, servers.ssh.Proxy},
		{"webdav", func(p string) place.Spec {
			return place.Spec{Type: "webdav", URL: "https://" + at(servers.dav) + "/files/" + p, CA: servers.ca.CA, Secret: "canteen"}
		}, place.Env{Secret: vault(secret.Secret{User: "board", Password: canary})}, servers.dav},
	}
}

func open(t *testing.T, spec place.Spec, env place.Env) place.Place {
	t.Helper()
	p, err := place.Open(spec, env)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// within is a context of a test that may take so long.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// says wants an error that says something and never the password.
func says(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("there is no error; %q is wanted", want)
	case !strings.Contains(err.Error(), want):
		t.Errorf("it says: %v\nand not: %s", err, want)
	case strings.Contains(err.Error(), canary), strings.Contains(err.Error(), "PRIVATE"):
		t.Errorf("it tells a secret: %v", err)
	}
	t.Log(err)
}
