package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"vitrine/agent/bundle/parcel"
	"vitrine/agent/control"
)

const maxSecret = 256 << 10 // bytes on standard input

const secretExample = `  vitrine-player secret set smb-canteen --host files.example.lan --user screen      asks for the password
  vitrine-player secret set crm --host api.example.com --as token < token.txt
  vitrine-player secret set sftp --host sftp.example.com:22 --user screen --as key < id_ed25519
  vitrine-player secret set graph --as json < graph.json      several at once: {"client": …, "tenant": …, "password": …, "hosts": […]}
  vitrine-player secret list
  vitrine-player secret remove smb-canteen`

// secrets sets, lists and removes what the player proves itself with to the house's servers. It never shows one, and takes none
// from the command line, which other programs of the machine can read.
func secrets(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var dir, as string
	var asJSON bool
	var c control.Credentials
	f := newFlags("secret", secretExample)
	f.data(&dir)
	f.Func("host", "`host` or host:port that it may be sent to, and nowhere else; may be given again", func(v string) error {
		c.Hosts = append(c.Hosts, strings.Split(v, ",")...)
		return nil
	})
	f.StringVar(&c.User, "user", "", "`name` to log in with")
	f.StringVar(&c.Domain, "domain", "", "Windows `domain`")
	f.StringVar(&c.Client, "client", "", "OAuth 2 `client`")
	f.StringVar(&c.Tenant, "tenant", "", "Microsoft Entra `tenant`")
	f.StringVar(&as, "as", "password", "what is read from the terminal or standard input: password, token, key or json")
	f.BoolVar(&asJSON, "json", false, "list: as JSON")
	f.deaf = true // a secret's user is not $VITRINE_USER by accident
	if done, err := f.parse(args, 2, stdout, stderr); done {
		return err
	}
	player := control.Dial(dir)
	switch {
	case len(f.args) == 1 && f.args[0] == "list":
		return listSecrets(ctx, player, asJSON, stdout)
	case len(f.args) == 2 && f.args[0] == "remove":
		return player.RemoveSecret(ctx, f.args[1])
	case len(f.args) == 2 && f.args[0] == "set":
		if err := readSecret(&c, as, f.args[1], os.Stdin, stderr); err != nil {
			return err
		}
		return player.SetSecret(ctx, f.args[1], c)
	}
	fmt.Fprintf(stderr, "vitrine-player secret: say set NAME, list or remove NAME\n\nExample:\n%s\n", f.example)
	return errUsage
}

// readSecret asks for what is secret: without an echo at a terminal, else all of standard input but the newline at its end.
func readSecret(c *control.Credentials, as, name string, stdin *os.File, stderr io.Writer) error {
	field := map[string]*string{"password": &c.Password, "token": &c.Token, "key": &c.Key}[as]
	if field == nil && as != "json" {
		return fmt.Errorf("--as %q is not password, token, key or json", as)
	}
	var b []byte
	var err error
	if term.IsTerminal(int(stdin.Fd())) && as != "key" && as != "json" {
		fmt.Fprintf(stderr, "%s for %s: ", as, name)
		b, err = term.ReadPassword(int(stdin.Fd()))
		fmt.Fprintln(stderr)
	} else {
		b, err = io.ReadAll(io.LimitReader(stdin, maxSecret+1))
	}
	switch {
	case err != nil:
		return fmt.Errorf("read the %s: %w", as, err)
	case len(b) > maxSecret:
		return fmt.Errorf("the %s is longer than %d KiB", as, maxSecret>>10)
	case as == "json":
		if err := json.Unmarshal(b, c); err != nil {
			return errors.New("what was read is not a secret in JSON: {\"user\": …, \"password\": …, \"hosts\": […]}") // not what it says
		}
		return nil
	}
	if as != "key" {
		b = []byte(strings.TrimRight(string(b), "\r\n"))
	}
	if *field = string(b); len(b) == 0 {
		return fmt.Errorf("the %s is empty", as)
	}
	return nil
}

func listSecrets(ctx context.Context, player *control.Client, asJSON bool, w io.Writer) error {
	list, err := player.Secrets(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	for _, e := range list {
		foreign := ""
		if e.Foreign {
			foreign = ", of another publisher: unusable"
		}
		fmt.Fprintf(w, "%-20s %s for %s (by %s, %s%s)\n", e.Name, strings.Join(e.Fields, "+"), strings.Join(e.Hosts, ", "), e.Via, e.At.Local().Format("2006-01-02 15:04"), foreign)
	}
	return nil
}

const exportExample = `  vitrine-player export /media/stick                         into the folder, to whom the publisher's settings name
  vitrine-player export plays.vitrine-export --only plays --new --to age1…`

// handOver writes what the player has to tell into a file, encrypted to its owner.
func handOver(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var dir, only string
	var asJSON bool
	var o parcel.Export
	f := newFlags("export", exportExample)
	f.data(&dir)
	f.Func("to", "age `recipient` who may read it, age1…; may be given again; none: whom the publisher's settings name", func(v string) error {
		o.To = append(o.To, v)
		return nil
	})
	f.StringVar(&only, "only", "plays,logs,screenshot", "what to write, with commas")
	f.BoolVar(&o.FromTheLast, "new", false, "only plays that no export has held yet")
	f.BoolVar(&asJSON, "json", false, "say what was written as JSON")
	if done, err := f.parse(args, 1, stdout, stderr); done {
		return err
	}
	if len(f.args) != 1 {
		fmt.Fprintf(stderr, "vitrine-player export: say where to: a file or a folder\n\nExample:\n%s\n", f.example)
		return errUsage
	}
	for _, what := range strings.Split(only, ",") {
		flag := map[string]*bool{"plays": &o.Plays, "logs": &o.Logs, "screenshot": &o.Screenshot}[strings.TrimSpace(what)]
		if flag == nil {
			fmt.Fprintf(stderr, "vitrine-player export: --only is of plays, logs and screenshot, not %q\n", what)
			return errUsage
		}
		*flag = true
	}
	h, path, err := writeExport(ctx, control.Dial(dir), o, f.args[0])
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(stdout).Encode(struct {
			Path string `json:"path"`
			control.Handed
		}{path, h})
	}
	fmt.Fprintf(stdout, "%s: %d plays, %d lines of the log, %d pictures\n", path, h.Plays, h.Lines, h.Pictures)
	return nil
}

// writeExport puts an export where it should be: a stick that is pulled out has the whole file or none of that name.
func writeExport(ctx context.Context, player *control.Client, o parcel.Export, to string) (h control.Handed, path string, err error) {
	part, into := to+".part", ""
	if st, err := os.Stat(to); err == nil && st.IsDir() {
		into, part = to, filepath.Join(to, ".vitrine-export.part")
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return h, "", fmt.Errorf("write the export: %w", err)
	}
	h, err = player.Export(ctx, o, f)
	err = errors.Join(err, f.Sync(), f.Close())
	path = to
	if into != "" {
		path = filepath.Join(into, filepath.Base(h.Name))
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return h, path, errors.Join(err, os.Remove(part))
	}
	if err := settle(path); err != nil { // on FAT the rename alone leaves a file of no bytes after a pull
		return h, path, fmt.Errorf("wait until %s has the export: %w", filepath.Dir(path), err)
	}
	return h, path, player.Exported(ctx, h)
}

func settle(path string) error {
	for _, name := range []string{path, filepath.Dir(path)} {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
