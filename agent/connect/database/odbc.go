package database

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vitrine/agent/connect/database/errand"
	"vitrine/agent/connect/place"
)

// childProgram asks through ODBC in a process of its own.
const childProgram = "vitrine-odbc"

// overODBC asks any database that has a driver for unixODBC. The child is killed at the deadline.
func overODBC(ctx context.Context, j job) error {
	connection, err := j.connection()
	if err != nil {
		return err
	}
	program, err := j.child()
	if err != nil {
		return err
	}
	request, err := json.Marshal(errand.Request{Connection: connection, Query: j.statement, Rows: j.limits.Rows + 1, Bytes: j.limits.Bytes,
		Seconds: int(left(ctx).Seconds()) + 1})
	if err != nil {
		return err
	}
	said, err := j.runChild(ctx, program, request)
	switch {
	case err == nil, errors.Is(err, errEnough):
		return nil
	case ctx.Err() != nil, errors.Is(err, errTooLong):
		return err
	}
	return j.ofODBC(err, said)
}

func (j job) runChild(ctx context.Context, program string, request []byte) (said string, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=/", "TZ=" + zone(j.env.Now), "GOTRACEBACK=none"}
	for _, name := range []string{"ODBCSYSINI", "ODBCINI", "ODBCINSTINI"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	cmd.Dir, cmd.WaitDelay = "/", time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		if syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) != nil {
			return os.ErrProcessDone
		}
		return nil
	}
	words := &firstWords{}
	cmd.Stderr = words
	in, errIn := cmd.StdinPipe() // open until the child is done: it ends when the player does
	out, err := cmd.StdoutPipe()
	if err = errors.Join(errIn, err); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start %s: %w", childProgram, err)
	}
	defer in.Close()
	if _, err := in.Write(append(request, '\n')); err != nil {
		stop()
		_ = cmd.Wait()
		return words.String(), fmt.Errorf("%w: %w", errand.ErrBroken, err)
	}
	err = errand.Read(io.LimitReader(out, 8*j.limits.Bytes+4<<20), j.columns, j.row)
	if err != nil {
		stop() // whatever it still does is not wanted
	}
	if end := cmd.Wait(); errors.Is(err, errand.ErrBroken) && end != nil {
		err = fmt.Errorf("%w: %w", err, end)
	}
	return words.String(), err
}

// child finds the program that asks.
func (j job) child() (string, error) {
	if j.env.Child != "" {
		return j.env.Child, nil
	}
	if self, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(self), childProgram); isProgram(beside) {
			return beside, nil
		}
	}
	program, err := exec.LookPath(childProgram)
	if err != nil {
		return "", fmt.Errorf("the program %s, which asks databases through ODBC, is not beside the player's: install it there", childProgram)
	}
	return program, nil
}

func isProgram(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// safeFields are words of a connection string that cannot lead a secret to another server, nor load code or write files.
// What else a driver wants beside a secret belongs into a data source (odbc.ini), which the keeper of the machine writes.
var safeFields = []string{"appname", "application name", "boolsaschar", "byteaaslongvarbinary", "catalog", "charset", "clientcharset", "currentschema",
	"encoding", "encrypt", "fetch", "flag_bigint", "forwardonly", "language", "maxlongvarcharsize", "maxvarcharsize", "no_schema", "option", "protocol", "readonly",
	"role", "schema", "sslmode", "sslverify", "forcetls", "tds_version", "textaslongvarchar", "timezone", "trustservercertificate", "unknownsizes",
	"usedeclarefetch", "warehouse", "workstation id"}

// notFields are words that have a place of their own, or would load code or write files.
var notFields = []string{"pwd", "password", "uid", "user", "username", "driver", "dsn", "filedsn", "savefile", "plugindir", "plugin_dir"}

// checkODBC holds a source to names that the keeper of the machine has given, and a secret to where it may go.
func (j job) checkODBC() error {
	o, withSecret := j.spec.ODBC, j.spec.Secret != ""
	switch {
	case (o.Driver == "") == (o.DSN == ""):
		return errors.New("it must name either odbc.driver (odbcinst -q -d lists them) or odbc.dsn (odbcinst -q -s)")
	case strings.ContainsAny(o.Driver+o.DSN, "/\\"): // a bundle names what is installed, it brings no code
		return fmt.Errorf("its driver %q is a path; name one that odbcinst -q -d lists", o.Driver+o.DSN)
	case o.DSN != "" && (j.spec.Host != "" || j.spec.Port != 0):
		return fmt.Errorf("its data source %s says itself where the server is (odbc.ini); leave host and port out", o.DSN)
	case j.spec.TLS != "" || len(j.spec.CA) > 0:
		return errors.New("each driver has its own word for encryption: write it into odbc.fields (sslmode, Encrypt, …) and leave tls and ca out")
	case o.Driver != "" && withSecret && (j.spec.Host == "" || j.spec.Port == 0):
		return errors.New("a secret goes to one server only: name its host and port")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Fields)) {
		switch lower := strings.ToLower(name); {
		case slices.Contains(notFields, lower):
			return fmt.Errorf("its field %s may not be among them: name a driver or dsn, and a secret for user and password", name)
		case withSecret && !slices.Contains(safeFields, lower):
			return fmt.Errorf("its field %s could lead the secret elsewhere: write it into a data source on the player (odbc.ini) and name that (odbc.dsn)", name)
		}
	}
	return nil
}

// bound is what a secret must be bound to: the server, or the data source that knows it, as "dsn:NAME".
func (j job) bound() string {
	if j.spec.ODBC.DSN != "" {
		return "dsn:" + j.spec.ODBC.DSN
	}
	return net.JoinHostPort(j.spec.Host, strconv.Itoa(j.spec.Port))
}

// connection writes ODBC's connection string (SQLDriverConnect). The names of fields are those that most drivers know.
func (j job) connection() (string, error) {
	spec := j.spec
	if err := j.checkODBC(); err != nil {
		return "", err
	}
	for _, value := range append(slices.Collect(maps.Values(spec.ODBC.Fields)), spec.Database) { // some drivers take a file there
		if err := place.Allowed(filepath.Join("/", value), j.env.Deny); err != nil && !errors.Is(err, os.ErrNotExist) && value != "" {
			return "", err
		}
	}
	words := &connectionString{said: map[string]bool{}}
	words.add("Driver", spec.ODBC.Driver)
	words.add("DSN", spec.ODBC.DSN)
	if spec.File != "" {
		if err := j.fileAllowed(); err != nil {
			return "", err
		}
		words.add("DBQ", spec.File)
	}
	words.add("Server", spec.Host)
	if spec.Port != 0 {
		words.add("Port", strconv.Itoa(spec.Port))
	}
	words.add("Database", spec.Database)
	for _, name := range slices.Sorted(maps.Keys(spec.ODBC.Fields)) {
		words.add(name, spec.ODBC.Fields[name])
	}
	if spec.Secret != "" {
		s, err := j.secretFor(j.bound())
		if err != nil {
			return "", err
		}
		words.add("UID", s.User)
		words.add("PWD", s.Password)
	}
	return words.text.String(), words.err
}

func (j job) fileAllowed() error {
	if !filepath.IsAbs(j.spec.File) {
		return fmt.Errorf("its file %q does not begin with /; name the whole path on the player", j.spec.File)
	}
	_, err := os.Stat(j.spec.File)
	if err == nil {
		err = place.Allowed(j.spec.File, j.env.Deny)
	}
	if errors.Is(err, os.ErrNotExist) {
		return noFile(j.spec.File)
	}
	return err
}

// connectionString is key={value}; in braces any character stands for itself but the closing one, which is doubled.
type connectionString struct {
	text strings.Builder
	said map[string]bool
	err  error
}

func (c *connectionString) add(key, value string) {
	lower := strings.ToLower(key)
	switch {
	case value == "" || c.said[lower]:
		return
	case key == "" || strings.ContainsAny(key, "={};\x00[]"):
		c.err = fmt.Errorf("the field %q of its connection is not a name", key)
	case strings.ContainsAny(value, "\x00\r\n"):
		c.err = fmt.Errorf("the field %s of its connection is more than one line", key)
	case strings.HasPrefix(value, "{") || strings.ContainsAny(value, ";}=@?*!,()[] "):
		value = "{" + strings.ReplaceAll(value, "}", "}}") + "}"
	}
	c.said[lower] = true
	fmt.Fprintf(&c.text, "%s=%s;", key, value)
}

// ofODBC is an error as a sentence.
func (j job) ofODBC(err error, said string) error {
	driver := cmp.Or(j.spec.ODBC.Driver, j.spec.ODBC.DSN)
	var fault *errand.Fault
	if !errors.As(err, &fault) {
		if said != "" {
			err = fmt.Errorf("%w; it said: %s", err, j.hide(said))
		}
		return fmt.Errorf("the ODBC driver of %s died while it was asked: look for another version of it (%w)", driver, err)
	}
	fault.Message = strings.Join(strings.Fields(j.hide(fault.Message)), " ") // some write several lines
	switch {
	case fault.Step == "library":
		return fault
	case fault.State == "IM002" || fault.State == "01000" && fault.Step == "connect":
		return fmt.Errorf("unixODBC knows no driver or data source %q, or its library is missing: look at odbcinst -q -d and install its package (%w)", driver, fault)
	case fault.State == "28000", fault.Step == "connect" && (strings.Contains(fault.Message, "authentication failed") || strings.Contains(fault.Message, "Access denied")):
		return fmt.Errorf("the database behind %s refuses the secret %q; look whether its user and password are still right", driver, j.spec.Secret)
	case fault.Step == "connect":
		return fmt.Errorf("the database behind %s cannot be reached: %w", driver, fault)
	}
	return fmt.Errorf("the database behind %s refuses the query: %w", driver, fault)
}

// hide takes the password out of what a driver says, should it repeat what it was told.
func (j job) hide(said string) string {
	if j.spec.Secret == "" {
		return said
	}
	s, err := j.secretFor(j.bound())
	if err != nil {
		return "(not told)"
	}
	if s.Password != "" {
		said = strings.ReplaceAll(said, s.Password, "(password)")
	}
	return said
}

// firstWords keeps the beginning of what a child says.
type firstWords struct{ b []byte }

func (t *firstWords) Write(p []byte) (int, error) {
	t.b = append(t.b, p[:min(len(p), max(0, 300-len(t.b)))]...)
	return len(p), nil
}

// String is the first line: what follows are addresses.
func (t *firstWords) String() string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(t.b)), "\n")
	return line
}
