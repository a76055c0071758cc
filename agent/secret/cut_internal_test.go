package secret

import (
	"errors"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

func TestACutLeavesTheOldSecretsOrTheNew(t *testing.T) {
	for _, step := range []string{"write", "fsync", "rename", "fsync folder"} {
		t.Run(step, func(t *testing.T) {
			key, err := age.GenerateX25519Identity()
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{Path: filepath.Join(t.TempDir(), "vault.age"), Key: key.String(), Publisher: func() string { return "acme" }}
			v, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Set("smb", Secret{Password: "old", Hosts: []string{"a"}}); err != nil {
				t.Fatal(err)
			}
			cut := errors.New("cut")
			v.fault = func(s string) error {
				if s == step {
					return cut
				}
				return nil
			}
			if err := v.Set("smb", Secret{Password: "new", Hosts: []string{"a"}}); !errors.Is(err, cut) {
				t.Fatalf("got %v", err)
			}
			if v, err = New(cfg); err != nil {
				t.Fatal(err)
			}
			s, err := v.Open("smb", "a")
			if err != nil || s.Password != "old" && s.Password != "new" {
				t.Fatalf("after the cut: %v", err)
			}
			if err := v.Set("smb", Secret{Password: "newer", Hosts: []string{"a"}}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
