package post

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vitrine/agent/connect/connecttest"
)

// house are servers of a customer's network whose passwords are the canary.
type house struct {
	*connecttest.Stage
	user  string
	ca    *connecttest.Authority
	share *connecttest.Proxy
	db    *connecttest.Database
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{}
	var err error
	if h.Stage, err = connecttest.NewStage(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(h.Dir, "files")
	h.user = me.Username
	h.ca, err = connecttest.NewAuthority(h.Dir)
	if err = errors.Join(err, os.Mkdir(files, 0o755), os.WriteFile(filepath.Join(files, "menus.csv"), []byte("dish,price\nSoup,3.20\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var errs [2]error
	all.Go(func() {
		h.share, errs[0] = h.Samba("samba", "Never", connecttest.Login{Files: files, User: h.user, Password: canary})
	})
	all.Go(func() { h.db, errs[1] = h.Postgres(h.ca, canary) })
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return h
}

// sources are of the share and of the database, each with the right secret and with a wrong one, and one with a token.
func (h *house) sources(d *desk, seq, web string) string {
	d.put(filepath.Join(d.home, "lobby-"+seq, "ca.pem"), h.ca.CA)
	out := "sources:\n"
	for _, proof := range []string{"right", "wrong"} {
		out += fmt.Sprintf("  share-%[1]s:\n    type: delimited\n    refresh: {every: 1s}\n    location: {type: smb, host: 127.0.0.1, port: %[2]d, share: sealed, encrypted: true, path: menus.csv, auth: {secret: share-%[1]s}}\n", proof, h.share.Port)
		out += fmt.Sprintf("  db-%[1]s:\n    type: sql\n    sql: SELECT 'Soup' AS dish\n    refresh: {every: 1s}\n    location: {type: postgresql, host: 127.0.0.1, port: %[2]d, database: postgres, ca: ca.pem, auth: {secret: db-%[1]s}}\n", proof, h.db.Port)
	}
	return out + fmt.Sprintf("  web-wrong:\n    type: delimited\n    refresh: {every: 1s}\n    location: {type: https, url: \"%s/menus.csv\", ca: web.pem, auth: {secret: web}}\n", web)
}

// secrets are set on the player's machine; a wrong password holds the right one, so that neither may be told.
func (h *house) secrets(d *desk, data, web string) {
	set := func(name string, fields map[string]any) {
		b, err := json.Marshal(fields)
		if err != nil {
			d.t.Fatal(err)
		}
		d.run(string(b), "vitrine-player", "secret", "set", name, "--as", "json", "--data", data)
	}
	for proof, password := range map[string]string{"right": canary, "wrong": canary + "-wrong"} {
		set("share-"+proof, map[string]any{"user": h.user, "domain": "CANTEEN", "password": password, "hosts": []string{fmt.Sprint("127.0.0.1:", h.share.Port)}})
		set("db-"+proof, map[string]any{"user": "board", "password": password, "hosts": []string{fmt.Sprint("127.0.0.1:", h.db.Port)}})
	}
	set("web", map[string]any{"token": canary, "hosts": []string{strings.TrimPrefix(web, "https://")}})
}

func TestTheSecretsOfAShareAndADatabaseAreFoundNowhere(t *testing.T) {
	t.Parallel()
	d, h, web := newDesk(t), newHouse(t), newCanteen(t)
	web.sources(d, "1") // which puts its authority there
	if err := os.Rename(filepath.Join(d.home, "lobby-1", "ca.pem"), filepath.Join(d.home, "lobby-1", "web.pem")); err != nil {
		t.Fatal(err)
	}
	r := d.relay()
	p := d.player(filepath.Join(t.TempDir(), "player"), "--relay", r.url, "--relay-pin", r.pin)
	code := p.shows("the player waits to be claimed", func(s status) bool { return s.Claim != nil }).Claim
	d.run("", "vitrine", append([]string{"claim", code.Code, "--name", "Hall", "--group", "lobby", "--words", strings.Join(code.Words, " "), "--keys", d.keys}, r.flags...)...)
	bundle := d.bundle("1", h.sources(d, "1", web.URL))
	d.run("", "vitrine", append([]string{"push", bundle, "--to", "*"}, r.flags...)...)
	p.shows("the bundle is on the screen", func(s status) bool { return s.Bundle != nil && s.Renderer.Presented > 0 })
	h.secrets(d, p.data, web.URL)

	s := p.shows("the right secrets give rows, and the wrong ones none", func(s status) bool {
		said := func(name string) bool { return strings.Contains(s.Sources[name].Error, "refuses the secret") }
		return s.Sources["share-right"].Rows == 1 && s.Sources["db-right"].Rows == 1 && said("share-wrong") && said("db-wrong") && s.Sources["web-wrong"].Error != ""
	})
	t.Logf("%+v", s.Sources)
	until(t, "the relay has heard of them", func() bool {
		return strings.Count(d.run("", "vitrine", append([]string{"players", "--json"}, r.flags...)...), `"fault":"refused"`) >= 2
	})
	told := d.run("", "vitrine-player", "sources", "--json", "--rows", "5", "--data", p.data)
	if !strings.Contains(told, `"secret": "db-wrong"`) || !strings.Contains(told, "Soup") {
		t.Errorf("of the sources it tells %s", told)
	}
	d.run("", "vitrine-player", "sources", "--data", p.data)
	d.run("", "vitrine-player", "status", "--data", p.data)
	shot := filepath.Join(d.home, "shot.png")
	d.run("", "vitrine-player", "screenshot", "--data", p.data, "-o", shot)
	if chunks := chunksOf(t, shot); strings.Trim(strings.Join(chunks, " "), " ") != "IHDR IDAT IEND" {
		t.Errorf("the picture of the screen has the parts %q: only pixels may be in it", chunks)
	}

	d.told()
	for name, dir := range map[string]string{"the relay": r.data, "the player": p.data, "the publisher and the bundle": d.home} {
		if found := searched(t, dir, spellings()...); found != nil {
			t.Errorf("it is in files of %s: %q", name, found)
		}
	}
	if found := searched(t, p.data, "vitrine-vault/1"); found != nil {
		t.Errorf("the vault can be read: %q", found)
	}
}

// chunksOf are the kinds of the parts of a PNG (its specification, section 5.3), each once for those that follow each other.
func chunksOf(t *testing.T, file string) (kinds []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")) {
		t.Fatalf("%s is no picture: %v", file, err)
	}
	for b = b[8:]; len(b) >= 12; {
		n, kind := int(binary.BigEndian.Uint32(b)), string(b[4:8])
		if len(kinds) == 0 || kinds[len(kinds)-1] != kind {
			kinds = append(kinds, kind)
		}
		b = b[min(len(b), 12+n):]
	}
	if len(b) > 0 {
		kinds = append(kinds, "rest")
	}
	return kinds
}

// A process that is aborted writes all of its memory to the disk, where the system is set up so: not the player.
func TestAPlayerThatIsAbortedLeavesNoMemoryBehind(t *testing.T) {
	t.Parallel()
	cores := func(dir string) []string {
		found, err := filepath.Glob(filepath.Join(dir, "core*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	control := t.TempDir()
	sh := exec.Command("bash", "-c", "ulimit -c unlimited; kill -ABRT $$")
	sh.Dir = control
	_ = sh.Run() // it is killed
	if pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern"); len(cores(control)) == 0 {
		t.Logf("no core file of a program without this care either (core_pattern %q, %v): the limits alone are looked at", pattern, err)
	}

	d, h := newDesk(t), newHouse(t)
	dir, data := t.TempDir(), filepath.Join(t.TempDir(), "player")
	cmd := exec.Command("bash", "-c", `ulimit -c unlimited; exec "$0" "$@"`, filepath.Join(bin, "vitrine-player"),
		"run", "--data", data, "--headless", "320x180", "--usb=false", "--cec=false", "--debug")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(d.env(), "GOTRACEBACK=crash"), d, d
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &screen{&process{d: d, cmd: cmd, done: make(chan error, 1)}, data}
	go func() { p.done <- cmd.Wait() }()
	t.Cleanup(p.kill)
	until(t, "the player answers", func() bool { _, err := p.status(); return err == nil })
	p.trusted(d.bundle("1", strings.ReplaceAll(h.sources(d, "1", "https://127.0.0.1:1"), "ca: web.pem", "ca: ca.pem")))
	h.secrets(d, data, "https://127.0.0.1:1")
	p.shows("the secrets are in its memory", func(s status) bool { return s.Sources["share-right"].Rows == 1 && s.Sources["db-right"].Rows == 1 })

	limits, err1 := os.ReadFile(fmt.Sprintf("/proc/%d/limits", cmd.Process.Pid))
	filter, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/coredump_filter", cmd.Process.Pid))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if f := strings.Fields(line); strings.HasPrefix(line, "Max core file size") && (f[4] != "0" || f[5] != "0") {
			t.Errorf("it may write a core: %s", line)
		}
	}
	if strings.Trim(string(filter), "0\n") != "" {
		t.Errorf("a program that is handed a core finds memory in it: %s", filter)
	}
	if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.done:
		p.done <- err
		if st := cmd.ProcessState.Sys().(syscall.WaitStatus); !st.Signaled() || st.Signal() != syscall.SIGABRT || st.CoreDump() {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	if left := cores(dir); left != nil {
		t.Errorf("it leaves %q", left)
	}
	if !strings.Contains(d.told(), "SIGABRT") {
		t.Error("it does not say that it was aborted: nothing of this was tested")
	}
}
