package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// relayAccess says which relay to talk to, and how to prove both sides.
type relayAccess struct {
	URL       string `json:"url"`
	CA        string `json:"ca,omitempty"`  // PEM file of the relay's own authority
	Pin       string `json:"pin,omitempty"` // of the authority's key
	TokenFile string `json:"tokenFile"`
}

// relayFlags are the flags of verbs that talk to a relay. What is not given comes from VITRINE_RELAY, VITRINE_CA,
// VITRINE_PIN and VITRINE_TOKEN_FILE, and failing that from what "vitrine connect" has kept.
func relayFlags(fs *flag.FlagSet) *relayAccess {
	r := &relayAccess{}
	fs.StringVar(&r.URL, "relay", "", "address of the relay, https://… (or $VITRINE_RELAY, or see \"vitrine connect\")")
	fs.StringVar(&r.CA, "ca", "", "file with the relay's own certificate authority (or $VITRINE_CA)")
	fs.StringVar(&r.Pin, "pin", "", "sha256:… of the authority's key, instead of --ca (or $VITRINE_PIN)")
	fs.StringVar(&r.TokenFile, "token-file", "", "file with the administrator's token (or $VITRINE_TOKEN_FILE)")
	return r
}

// accessFile is where "vitrine connect" keeps what it was told.
func accessFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for settings: %w", err)
	}
	return filepath.Join(dir, "vitrine", "relay.json"), nil
}

// fill completes an access from the environment and from what was kept. What belongs to another relay is not mixed in:
// its authority would not do, and its token is not for others to see. It says what it has left out, "" = nothing.
func (r *relayAccess) fill() (note string, err error) {
	kept, err := readKept()
	if err != nil {
		return "", err
	}
	env := relayAccess{os.Getenv("VITRINE_RELAY"), os.Getenv("VITRINE_CA"), os.Getenv("VITRINE_PIN"), os.Getenv("VITRINE_TOKEN_FILE")}
	if env.URL == "" && r.URL != "" {
		env.URL = r.URL // it names none, and is for whichever is asked
	}
	for _, from := range []relayAccess{env, kept} {
		switch {
		case r.URL == "":
			r.URL = from.URL
		case !sameHost(r.URL, from.URL):
			if r.CA == "" && r.Pin == "" && from.CA+from.Pin != "" {
				note = fmt.Sprintf("what was kept for %s is not used for %s; give --ca or --pin if that has an authority of its own", from.URL, r.URL)
			}
			continue
		}
		if r.CA == "" && r.Pin == "" {
			r.CA, r.Pin = from.CA, from.Pin
		}
		if r.TokenFile == "" {
			r.TokenFile = from.TokenFile
		}
	}
	if r.CA+r.Pin != "" {
		note = ""
	}
	return note, nil
}

// sameHost says whether two addresses lead to one relay, however they are written.
func sameHost(a, b string) bool {
	u, err := url.Parse(a)
	v, other := url.Parse(b)
	return err == nil && other == nil && strings.EqualFold(u.Host, v.Host)
}

// readKept reads what "vitrine connect" has kept; nothing is no error.
func readKept() (relayAccess, error) {
	var kept relayAccess
	path, err := accessFile()
	if err != nil {
		return kept, err
	}
	b, err := readBounded(path, 64<<10)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return kept, nil
	case err != nil:
		return kept, fmt.Errorf("read the relay's settings: %w", err)
	}
	if err := json.Unmarshal(b, &kept); err != nil {
		return kept, fmt.Errorf("%s is damaged: %w; run \"vitrine connect\" again", path, err)
	}
	return kept, nil
}

// client makes the relay's client.
func (r *relayAccess) client(c *call) (*api.Client, error) {
	note, err := r.fill()
	if err != nil {
		return nil, err
	}
	if note != "" {
		fmt.Fprintln(c.stderr, "note:", note)
	}
	if r.URL == "" {
		return nil, usage("say which relay: --relay https://…, or \"vitrine connect\" once")
	}
	if err := checkRelayURL(r.URL); err != nil {
		return nil, err
	}
	if r.TokenFile == "" {
		return nil, usage("say where the administrator's token is: --token-file FILE")
	}
	token, err := readToken(r.TokenFile)
	if err != nil {
		return nil, err
	}
	http, err := api.NewHTTP(api.Trust{CAFile: r.CA, Pin: r.Pin})
	if err != nil {
		return nil, err
	}
	c.hangUp = http.CloseIdleConnections
	return &api.Client{Base: r.URL, HTTP: http, Token: api.Fixed(token)}, nil
}

// checkRelayURL wants HTTPS: the token would be readable on its way otherwise.
func checkRelayURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return usage("%q is not a relay's address; it looks like https://relay.example:8443", s)
	}
	return nil
}

func readToken(path string) (string, error) {
	b, err := readBounded(path, 4<<10)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("read the token: %s does not hold one token and nothing else", path)
	}
	return token, nil
}

// keep stores an access for later calls, files by their absolute paths.
func (r *relayAccess) keep() (string, error) {
	for _, p := range []*string{&r.CA, &r.TokenFile} {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return "", fmt.Errorf("find %s: %w", *p, err)
		}
		*p = abs
	}
	path, err := accessFile()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep the relay's address: %w", err)
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", err
	}
	return path, bundle.WriteAtomically(path, append(b, '\n'))
}
