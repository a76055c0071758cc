package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// ownFolder refuses a folder that is a relay's: both would write there, and each would clear away what it does not know.
func ownFolder(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "index.db")); err == nil {
		return nil // a player was at home here before
	}
	if _, err := os.Stat(filepath.Join(dir, "relay.db")); err == nil {
		return fmt.Errorf("%s is a relay's folder, and a player needs one of its own: choose another with --data", dir)
	}
	return nil
}
