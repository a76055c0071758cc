package main

import (
	"os"
	"strings"
	"testing"
)

// kept reads what "vitrine connect" has kept.
func kept(t *testing.T) relayAccess {
	t.Helper()
	path, err := accessFile()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return answer[relayAccess](t, string(b))
}

func TestAnotherRelaysAuthorityIsForgottenAndItIsSaid(t *testing.T) {
	alone(t)
	first, _ := relay(t)
	second, _ := relay(t)
	right(t, "connect", first[1], "--pin", first[3], "--token-file", first[5])
	o := vitrine(t, "", "connect", second[1], "--token-file", second[5])
	if o.code != exitRefused || !strings.Contains(o.errors, "what was kept for "+first[1]+" is not used for "+second[1]) || !strings.Contains(o.errors, "--pin") {
		t.Errorf("exit %d: %s", o.code, o.errors)
	}
	if got := kept(t); got.URL != first[1] || got.Pin != first[3] {
		t.Errorf("a connection that failed was kept: %+v", got)
	}
	o = vitrine(t, "", "connect", second[1], "--pin", second[3], "--token-file", second[5])
	if got := kept(t); o.code != exitRight || got.Pin != second[3] || strings.Contains(o.errors, "is not used") {
		t.Errorf("exit %d: %s; kept %+v", o.code, o.errors, got)
	}
}

func TestTheSameRelayWrittenInAnotherWayKeepsItsAuthority(t *testing.T) {
	alone(t)
	flags, _ := relay(t)
	right(t, "connect", flags[1], "--pin", flags[3], "--token-file", flags[5])
	right(t, "connect", flags[1]+"/", "--token-file", flags[5])
	if got := kept(t); got.Pin != flags[3] {
		t.Errorf("kept %+v", got)
	}
}

func TestOneRelaysTokenIsNotShownToAnother(t *testing.T) {
	alone(t)
	first, _ := relay(t)
	second, _ := relay(t)
	t.Setenv("VITRINE_RELAY", first[1])
	t.Setenv("VITRINE_PIN", first[3])
	t.Setenv("VITRINE_TOKEN_FILE", first[5])
	right(t, "players")
	refuses(t, exitUsage, "say where the administrator's token is", "players", "--relay", second[1], "--pin", second[3])
}
