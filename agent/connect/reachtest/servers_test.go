package reachtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"sync"
	"testing"

	"vitrine/agent/connect/connecttest"
)

// canary is what all secrets hold, and nothing that is said may.
const canary = "kanarienvogel-4711"

// The servers of this package's tests, each started once. Those of files give the folder files.
var servers struct {
	*connecttest.Stage
	ca       *connecttest.Authority
	files    string
	user     string
	smb      *connecttest.Proxy
	ssh      *connecttest.SSH
	nginx    *connecttest.Proxy
	mounted  string
	radicale *connecttest.Proxy
	postgres *connecttest.Database
	mariadb  *connecttest.Database
	child    string
	away     sync.Map // where hosts of the internet, "name:port", are on this machine
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
	servers.ca, err = connecttest.NewAuthority(servers.Dir, "graph.microsoft.com", "login.microsoftonline.com", "www.googleapis.com", "oauth2.googleapis.com")
	if err = errors.Join(err, os.Mkdir(servers.files, 0o755)); err != nil {
		return err
	}
	login := func(user string) connecttest.Login {
		return connecttest.Login{Files: servers.files, User: user, Password: canary}
	}
	if err := connecttest.Together(
		func() (err error) { servers.smb, err = servers.Samba("samba", "Never", login(servers.user)); return },
		func() (err error) { servers.ssh, err = servers.SSH(); return },
		func() (err error) { servers.nginx, err = servers.Nginx(servers.ca, login("board")); return },
		func() (err error) { servers.mounted, _, err = servers.Mount(servers.files); return },
		func() (err error) { servers.radicale, err = servers.Radicale(servers.ca, "board", canary); return },
		func() (err error) { servers.postgres, err = servers.Postgres(servers.ca, canary); return },
		func() (err error) { servers.mariadb, err = servers.MariaDB(servers.ca, canary); return },
		func() (err error) { servers.child, err = servers.ODBC(nil); return },
	); err != nil {
		return err
	}
	// A player finds the program beside its own, or in the PATH; and the proxy of its network in the environment.
	detour, err := servers.Detour(func(host string) string {
		at, _ := servers.away.Load(host)
		addr, _ := at.(string)
		return addr
	})
	return errors.Join(err, os.Setenv("PATH", filepath.Dir(servers.child)+":"+os.Getenv("PATH")), os.Setenv("HTTPS_PROXY", detour))
}

// port is that of a new proxy before a server, so that one source can be cut off without the others.
func port(t *testing.T, server int) *connecttest.Proxy {
	t.Helper()
	p, err := servers.NewProxy(fmt.Sprint("127.0.0.1:", server))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// secured serves over TLS, by the certificate of the tests' authority; the port is that of a proxy before it.
func secured(t *testing.T, h http.Handler) *connecttest.Proxy {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(servers.ca.Cert, servers.ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.StartTLS()
	t.Cleanup(s.Close)
	p, err := servers.NewProxy(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return p
}
