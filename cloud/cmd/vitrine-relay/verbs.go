package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vitrine/cloud"
	"vitrine/cloud/account"
	"vitrine/cloud/ca"
)

const usage = `vitrine-relay hands out signed bundles, takes heartbeats, and shows what is on the screens.

  vitrine-relay serve --data DIR      serve; the first start makes certificate and token
  vitrine-relay token new --data DIR  make a new administrator's token, show it once
  vitrine-relay ca --data DIR         say what players need to trust this relay
  vitrine-relay install --data DIR    install it as a service of this machine (and uninstall)

  example: vitrine-relay serve --data /var/lib/vitrine-relay --listen :443 --name relay.example.com
  Each verb has --help.
`

// names is a flag that may be given several times.
type names []string

// String implements flag.Value.
func (n *names) String() string { return strings.Join(*n, ",") }

// Set implements flag.Value.
func (n *names) Set(s string) error {
	*n = append(*n, s)
	return nil
}

// flags is a verb's command line; example ends its help.
func flags(verb, example string, stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(verb, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "vitrine-relay %s\n\n", verb)
		f.VisitAll(func(fl *flag.Flag) {
			kind, help := flag.UnquoteUsage(fl)
			fmt.Fprintf(f.Output(), "  --%-10s %-6s %s\n", fl.Name, kind, help)
		})
		fmt.Fprintf(f.Output(), "\n  example: %s\n", example)
	}
	return f
}

// parse reads a command line; help is written to where answers go, and is no error.
func parse(f *flag.FlagSet, args []string, stdout, stderr io.Writer, data *string) (done bool, err error) {
	for _, a := range args {
		if a == "--help" || a == "-help" || a == "-h" {
			f.SetOutput(stdout)
			f.Usage()
			return true, nil
		}
	}
	if err := f.Parse(args); err != nil {
		return true, errUsage
	}
	if f.NArg() > 0 {
		fmt.Fprintf(stderr, "vitrine-relay %s: %q is not understood\n", f.Name(), f.Arg(0))
		return true, errUsage
	}
	if *data == "" {
		fmt.Fprintf(stderr, "vitrine-relay %s: give the relay's folder with --data\n", f.Name())
		return true, errUsage
	}
	return false, nil
}

func serveFlags(verb string, cfg *cloud.Config, tokenFile *string, stderr io.Writer) *flag.FlagSet {
	f := flags(verb, "vitrine-relay "+verb+" --data /var/lib/vitrine-relay --listen :443 --redirect :80 --name relay.example.com", stderr)
	f.StringVar(&cfg.Data, "data", "", "`DIR` of all that the relay keeps; made if need be")
	f.StringVar(&cfg.Listen, "listen", ":8443", "`ADDR` for players and people (HTTPS)")
	f.Var((*names)(&cfg.Names), "name", "`HOST` or address that the relay answers to; may be repeated; this machine's own are added")
	f.StringVar(&cfg.Cert, "cert", "", "`FILE` of a certificate chain (PEM), instead of the relay's own authority")
	f.StringVar(&cfg.Key, "key", "", "`FILE` of the certificate's key (PEM)")
	f.StringVar(&cfg.Ops, "ops", "", "`ADDR` of /livez, /readyz and /metrics, such as 127.0.0.1:9443; not for the open network")
	f.StringVar(&cfg.Redirect, "redirect", "", "`ADDR` that sends http:// on to https://, such as :80")
	f.Int64Var(&cfg.Reserve, "reserve", 1<<30, "`BYTES` of the disk that must stay free")
	f.DurationVar(&cfg.Session, "session", 30*time.Minute, "`TIME` that a player's session lasts, 15m to 1h")
	f.Func("proxy", "`CIDR` or address of a proxy in front of the relay, whose X-Forwarded-For is believed; may be repeated", func(s string) error {
		p, err := proxy(s)
		cfg.Proxies = append(cfg.Proxies, p)
		return err
	})
	f.Func("plays", "`DAYS` that plays stay before they are put away into files in DIR/plays; 400 when not given, 0 = for ever", func(s string) error {
		days, err := strconv.Atoi(s)
		if err != nil || days < 0 || days > 36_500 {
			return fmt.Errorf("%q is not a number of days", s)
		}
		if cfg.Plays = time.Duration(days) * 24 * time.Hour; days == 0 {
			cfg.Plays = -1
		}
		return nil
	})
	f.DurationVar(&cfg.Grace, "grace", 7*24*time.Hour, "`TIME` that files stay which no bundle names any more, at least 1h")
	f.StringVar(tokenFile, "token-file", "", "`FILE` to write the administrator's token to at the first start (mode 0600)")
	return f
}

// proxy reads a network, or one address.
func proxy(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not like 10.0.0.0/8 or 10.1.2.3", s)
	}
	return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
}

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cfg cloud.Config
	var tokenFile string
	if done, err := parse(serveFlags("serve", &cfg, &tokenFile, stderr), args, stdout, stderr, &cfg.Data); done {
		return err
	}
	cfg.Log = slog.New(slog.NewTextHandler(stderr, nil))
	r, err := cloud.New(cfg)
	if err != nil {
		return err
	}
	if err := announce(r, cfg, tokenFile, stdout); err != nil {
		return errors.Join(err, r.Close())
	}
	return r.Run(ctx)
}

// announce says where the relay is, how to trust it, and at the first start the token.
func announce(r *cloud.Relay, cfg cloud.Config, tokenFile string, stdout io.Writer) error {
	address, port, err := net.SplitHostPort(r.Addr().String())
	if err != nil {
		return err
	}
	host := cloud.Names(cfg.Names)[0]
	if ip, err := netip.ParseAddr(address); err == nil && !ip.IsUnspecified() && len(cfg.Names) == 0 {
		host = address // this machine's name may well lead to another of its addresses
	}
	fmt.Fprintf(stdout, "page:   https://%s/\n", strings.TrimSuffix(net.JoinHostPort(host, port), ":443"))
	if a := r.Authority(); a != nil {
		fmt.Fprintf(stdout, "ca:     %s\npin:    %s\n", a.File(), a.Pin())
	}
	token, err := r.Token()
	if err != nil || token == "" {
		return err
	}
	err = keep(tokenFile, token) // a script that sees the line below may read the file
	fmt.Fprintf(stdout, "token:  %s\n        The administrator's token. It is shown this once; the relay keeps only its hash.\n", token)
	return err
}

// keep writes a token for a script to read, which sees all of it or nothing; "" = nowhere.
func keep(path, token string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("write token: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // never into somebody else's file
	if err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	_, err = fmt.Fprintln(f, token)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	return nil
}

func token(args []string, stdout, stderr io.Writer) error {
	var data, file string
	f := flags("token new", "vitrine-relay token new --data /var/lib/vitrine-relay", stderr)
	f.StringVar(&data, "data", "", "`DIR` of the relay")
	f.StringVar(&file, "token-file", "", "`FILE` to write the token to as well (mode 0600)")
	if len(args) > 0 && args[0] == "new" {
		args = args[1:]
	} else if len(args) == 0 || !strings.HasPrefix(args[0], "-") {
		f.Usage()
		return errUsage
	}
	if done, err := parse(f, args, stdout, stderr, &data); done {
		return err
	}
	if _, err := os.Stat(data); err != nil {
		return fmt.Errorf("there is no relay in %s: start one with `vitrine-relay serve --data %s`", data, data)
	}
	a, err := account.OpenAdministrator(cloud.AdminPath(data))
	if err != nil && a == nil { // a damaged file is what a new token mends
		if err := os.Remove(cloud.AdminPath(data)); err != nil {
			return err
		}
		if a, err = account.OpenAdministrator(cloud.AdminPath(data)); err != nil {
			return err
		}
	}
	secret, err := a.Replace(time.Now())
	if err != nil {
		return err
	}
	if err := keep(file, secret); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "token:  %s\n        The old token and everybody's sign-in are over; a running relay knows already.\n", secret)
	return nil
}

func authority(args []string, stdout, stderr io.Writer) error {
	var data string
	f := flags("ca", "vitrine-relay ca --data /var/lib/vitrine-relay", stderr)
	f.StringVar(&data, "data", "", "`DIR` of the relay")
	if done, err := parse(f, args, stdout, stderr, &data); done {
		return err
	}
	dir := cloud.CAPath(data)
	if _, err := os.Stat(filepath.Join(dir, "ca.pem")); err != nil {
		return fmt.Errorf("there is no authority in %s: the relay was never started, or was given a certificate with --cert", dir)
	}
	file, pin, err := ca.Look(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "ca:     %s\npin:    %s\n", file, pin)
	return nil
}
