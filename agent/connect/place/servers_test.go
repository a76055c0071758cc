package place_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
	guests  int // a Samba that takes a wrong password for a guest
	ssh     *connecttest.Proxy
	hostKey string
	sshKey  string
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
	var all sync.WaitGroup
	var errs [5]error
	for i, f := range []func() error{func() (err error) { servers.smb, err = startSamba("samba", "Never"); return }, func() error {
		p, err := startSamba("guests", "Bad Password")
		if err == nil {
			servers.guests = p.Port
		}
		return err
	}, startSSH, startNginx, startMount} {
		all.Go(func() { errs[i] = f() })
	}
	all.Wait()
	return errors.Join(errs[:]...)
}

func write(path, format string, args ...any) error {
	return os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600)
}

func startSamba(name, guests string) (*connecttest.Proxy, error) {
	port, err := connecttest.Port()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(servers.Dir, name)
	conf := filepath.Join(dir, "smb.conf")
	err = errors.Join(os.MkdirAll(filepath.Join(dir, "rpc"), 0o755), write(conf, `[global]
workgroup = CANTEEN
server role = standalone server
smb ports = %d
bind interfaces only = yes
interfaces = 127.0.0.1/8
private dir = %[2]s
state directory = %[2]s
cache directory = %[2]s
lock directory = %[2]s
pid directory = %[2]s
ncalrpc dir = %[2]s/rpc
log file = %[2]s/log
passdb backend = tdbsam:%[2]s/passdb.tdb
map to guest = %[3]s
guest account = nobody
server min protocol = SMB2_10
load printers = no
disable spoolss = yes
[display]
path = %[4]s
guest ok = yes
[sealed]
path = %[4]s
smb encrypt = required
`, port, dir, guests, servers.files))
	if err != nil {
		return nil, err
	}
	add := exec.Command("smbpasswd", "-c", conf, "-a", "-s", servers.user)
	add.Stdin = strings.NewReader(canary + "\n" + canary + "\n")
	if err := connecttest.Run(add); err != nil {
		return nil, err
	}
	if err := servers.Start(exec.Command("/usr/sbin/smbd", "-F", "--no-process-group", "-s", conf), connecttest.Answers(port)); err != nil {
		return nil, err
	}
	return servers.NewProxy(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

func startSSH() error {
	port, err := connecttest.Port()
	if err != nil {
		return err
	}
	dir := filepath.Join(servers.Dir, "ssh")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"host", "client"} {
		if err := connecttest.Run(exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name))); err != nil {
			return err
		}
	}
	key, err1 := os.ReadFile(filepath.Join(dir, "client"))
	public, err2 := os.ReadFile(filepath.Join(dir, "client.pub"))
	told, err3 := exec.Command("ssh-keygen", "-lf", filepath.Join(dir, "host.pub")).Output()
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	servers.sshKey, servers.hostKey = string(key), strings.Fields(string(told))[1]
	if os.Getuid() == 0 { // where Debian's unit makes it
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err
		}
	}
	conf := filepath.Join(dir, "sshd_config")
	err = errors.Join(os.WriteFile(filepath.Join(dir, "keys"), public, 0o600), write(conf, `Port %d
ListenAddress 127.0.0.1
HostKey %[2]s/host
PidFile %[2]s/pid
AuthorizedKeysFile %[2]s/keys
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
MaxStartups 100
`, port, dir))
	if err != nil {
		return err
	}
	if err := servers.Start(exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", conf), connecttest.Answers(port)); err != nil {
		return err
	}
	servers.ssh, err = servers.NewProxy(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	return err
}

func startNginx() error {
	port, err := connecttest.Port()
	if err != nil {
		return err
	}
	dir := filepath.Join(servers.Dir, "nginx")
	conf := filepath.Join(dir, "nginx.conf")
	err = errors.Join(os.Mkdir(dir, 0o755), write(filepath.Join(dir, "users"), "board:{PLAIN}%s\n", canary), write(conf, `
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
daemon off; pid %[1]s/pid; error_log stderr; %[5]s
events {}
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server {
		listen 127.0.0.1:%[2]d ssl;
		ssl_certificate %[3]s; ssl_certificate_key %[4]s;
		location /away { return 302 https://elsewhere.example/; }
		location /files/ {
			auth_basic "files"; auth_basic_user_file %[1]s/users;
			alias %[6]s/; dav_methods off; dav_ext_methods PROPFIND OPTIONS;
		}
	}
}
`, dir, port, servers.ca.Cert, servers.ca.Key, map[bool]string{true: "user root;"}[os.Getuid() == 0], servers.files))
	if err != nil {
		return err
	}
	if err := servers.Start(exec.Command("/usr/sbin/nginx", "-p", dir, "-c", conf, "-e", "stderr"), connecttest.Answers(port)); err != nil {
		return err
	}
	servers.dav, err = servers.NewProxy(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	return err
}

// startMount mounts files as the system mounts a share: by FUSE, since not every kernel has NFS. Its server is
// OpenSSH's sftp-server behind a proxy that can hang.
func startMount() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	servers.Defer(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			cmd := exec.Command("/usr/lib/openssh/sftp-server")
			cmd.Stdout = c
			if in, err := cmd.StdinPipe(); err == nil && cmd.Start() == nil {
				go func() { _, _ = io.Copy(in, c); in.Close(); _ = cmd.Wait(); c.Close() }()
			}
		}
	}()
	if servers.mount, err = servers.NewProxy(l.Addr().String()); err != nil {
		return err
	}
	servers.mounted = filepath.Join(servers.Dir, "mounted")
	if err := os.Mkdir(servers.mounted, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("sshfs", "-f", "-o", "directport="+strconv.Itoa(servers.mount.Port)+",cache=no,dir_cache=no,direct_io,attr_timeout=0,entry_timeout=0", "localhost:"+servers.files, servers.mounted)
	servers.Defer(func() { _ = exec.Command("fusermount3", "-u", "-z", servers.mounted).Run() })
	probe := filepath.Join(servers.files, ".probe")
	if err := os.WriteFile(probe, nil, 0o644); err != nil {
		return err
	}
	return servers.Start(cmd, func() error { _, err := os.Stat(filepath.Join(servers.mounted, ".probe")); return err })
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
			return place.Spec{Type: "sftp", Host: at(servers.ssh), Path: filepath.Join(servers.files, p), HostKey: servers.hostKey, Secret: "canteen"}
		}, place.Env{Secret: vault(secret.Secret{User: servers.user, Key: servers.sshKey})}, servers.ssh},
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
