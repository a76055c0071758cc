package connecttest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Login is what a server of files lets in, and the folder that it gives.
type Login struct {
	Files          string
	User, Password string
}

// at is an address on this machine.
func at(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func write(path, format string, args ...any) error {
	return os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600)
}

// Samba starts one with two shares of the same folder: display, and sealed, which encrypts. The login's user is one of the
// machine's. guests is its "map to guest": what becomes of a wrong password.
func (s *Stage) Samba(name, guests string, l Login) (*Proxy, error) {
	port, err := Port()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, name)
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
`, port, dir, guests, l.Files))
	if err != nil {
		return nil, err
	}
	add := exec.Command("smbpasswd", "-c", conf, "-a", "-s", l.User)
	add.Stdin = strings.NewReader(l.Password + "\n" + l.Password + "\n")
	if err := Run(add); err != nil {
		return nil, err
	}
	if err := s.Start(exec.Command("/usr/sbin/smbd", "-F", "--no-process-group", "-s", conf), Answers(port)); err != nil {
		return nil, err
	}
	return s.NewProxy(at(port))
}

// SSH is a server that takes a key alone.
type SSH struct {
	*Proxy
	HostKey string // as ssh-keygen -lf tells it
	Key     string // of whoever may come in, PEM
}

// SSH starts OpenSSH with its sftp; it lets this process' user in.
func (s *Stage) SSH() (*SSH, error) {
	port, err := Port()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, "ssh")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	for _, name := range []string{"host", "client"} {
		if err := Run(exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name))); err != nil {
			return nil, err
		}
	}
	key, err1 := os.ReadFile(filepath.Join(dir, "client"))
	public, err2 := os.ReadFile(filepath.Join(dir, "client.pub"))
	told, err3 := exec.Command("ssh-keygen", "-lf", filepath.Join(dir, "host.pub")).Output()
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	if os.Getuid() == 0 { // where Debian's unit makes it
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
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
		return nil, err
	}
	if err := s.Start(exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", conf), Answers(port)); err != nil {
		return nil, err
	}
	p, err := s.NewProxy(at(port))
	return &SSH{p, strings.Fields(string(told))[1], string(key)}, err
}

// Nginx starts one with TLS: the folder is at /files/, by WebDAV too; /away leads to another host.
func (s *Stage) Nginx(a *Authority, l Login) (*Proxy, error) {
	port, err := Port()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, "nginx")
	conf := filepath.Join(dir, "nginx.conf")
	err = errors.Join(os.Mkdir(dir, 0o755), write(filepath.Join(dir, "users"), "%s:{PLAIN}%s\n", l.User, l.Password), write(conf, `
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
`, dir, port, a.Cert, a.Key, map[bool]string{true: "user root;"}[os.Getuid() == 0], l.Files))
	if err != nil {
		return nil, err
	}
	if err := s.Start(exec.Command("/usr/sbin/nginx", "-p", dir, "-c", conf, "-e", "stderr"), Answers(port)); err != nil {
		return nil, err
	}
	return s.NewProxy(at(port))
}

// Radicale starts a CalDAV server with one account. Its address is https where there is an authority.
func (s *Stage) Radicale(a *Authority, user, password string) (*Proxy, error) {
	port, err := Port()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, "radicale")
	tls := ""
	if a != nil {
		tls = fmt.Sprintf("ssl = True\ncertificate = %s\nkey = %s\n", a.Cert, a.Key)
	}
	err = errors.Join(os.Mkdir(dir, 0o755), write(filepath.Join(dir, "users"), "%s:%s\n", user, password), write(filepath.Join(dir, "config"),
		"[server]\nhosts = 127.0.0.1:%d\n%s[auth]\ntype = htpasswd\nhtpasswd_filename = %[3]s/users\nhtpasswd_encryption = plain\n[storage]\nfilesystem_folder = %[3]s/data\n", port, tls, dir))
	if err == nil {
		err = s.Start(exec.Command("radicale", "--config", filepath.Join(dir, "config")), Answers(port))
	}
	if err != nil {
		return nil, err
	}
	return s.NewProxy(at(port))
}

// Mount mounts a folder as the system mounts a share: by FUSE, since not every kernel has NFS. Its server is OpenSSH's
// sftp-server behind a proxy that can hang.
func (s *Stage) Mount(files string) (dir string, p *Proxy, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s.Defer(func() { l.Close() })
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
	if p, err = s.NewProxy(l.Addr().String()); err != nil {
		return "", nil, err
	}
	dir = filepath.Join(s.Dir, "mounted")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", nil, err
	}
	cmd := exec.Command("sshfs", "-f", "-o", "directport="+strconv.Itoa(p.Port)+",cache=no,dir_cache=no,direct_io,attr_timeout=0,entry_timeout=0", "localhost:"+files, dir)
	s.Defer(func() { _ = exec.Command("fusermount3", "-u", "-z", dir).Run() })
	if err := os.WriteFile(filepath.Join(files, ".probe"), nil, 0o644); err != nil {
		return "", nil, err
	}
	return dir, p, s.Start(cmd, func() error { _, err := os.Stat(filepath.Join(dir, ".probe")); return err })
}
