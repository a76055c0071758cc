package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARelaysFolderIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "relay.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a player that starts all the same ends at once
	var stderr bytes.Buffer
	code := exit(run(ctx, []string{"run", "--headless", "64x36", "--data", dir}, &stderr, &stderr), &stderr)
	if code != 2 || !strings.Contains(stderr.String(), "is a relay's folder") || !strings.Contains(stderr.String(), "--data") {
		t.Errorf("exit %d, %s", code, stderr.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("it left %v there, %v", left, err)
	}
}

func TestAPlayersOwnFolderAndAnEmptyOneAreTaken(t *testing.T) {
	for name, files := range map[string][]string{"empty": nil, "its own": {"index.db"}, "its own, in which a relay was tried": {"index.db", "relay.db"}} {
		dir := t.TempDir()
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := ownFolder(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
