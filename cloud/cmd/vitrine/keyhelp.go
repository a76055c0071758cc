package main

import (
	"fmt"
	"strings"
)

// keyHelp is the page of "vitrine help key".
func keyHelp() string {
	var b strings.Builder
	b.WriteString(`vitrine key: who may sign what is shown on a customer's screens

A chain of roots says whose keys count. Root keys change keys; publisher keys sign bundles and sticks; a warning key, if
there is one, signs public warnings; a relay key, if there is one, says which bundle is the newest, and nothing else.
Every root is signed by enough root keys of the one before and of its own, so that players follow the chain by
themselves, however many versions they have missed. Players pin root 1.

`)
	for _, d := range deeds() {
		fmt.Fprintf(&b, "  %-34s %s\n", strings.TrimSpace(d.name+" "+d.args), d.short)
	}
	b.WriteString(`
"vitrine key DEED --help" lists the flags of each. KEY is a key's name, its four words, its .pub file, or the beginning of
its id. Passphrases are asked for, or come from --passphrase-file, $VITRINE_PASSPHRASE_FILE or $VITRINE_PASSPHRASE. What
is to be signed is shown in words and signed after a yes; --yes answers for scripts.

One person, one machine
  vitrine key new --customer acme
  vitrine key passphrase ~/.config/vitrine/keys/root-1.key     then move it to a stick in a safe, copy it once

Three people, two of whom must agree; each at a machine of their own, the office needs none of their keys
  alice$   vitrine key make alice.key --name Alice             and carries alice.pub to the office; so do Bob and Carol
  office$  vitrine key new --customer acme --root alice.pub --root bob.pub --root carol.pub --threshold 2
  alice$   vitrine key sign root-1.request --key alice.key     compares the four words with the office, by telephone
  bob$     vitrine key sign root-1.request --key bob.key
  office$  vitrine key accept root-1.Alice.signed root-1.Bob.signed

A publisher's laptop is stolen: its key is revoked, and serials count anew
  office$  vitrine key make ~/.config/vitrine/keys/new --name 'publisher 2027'
  office$  vitrine key rotate publisher ~/.config/vitrine/keys/new.pub --note 'laptop stolen on 4 January'
           two of the three sign root-2.request as above, then
  office$  vitrine key accept root-2.*.signed && vitrine key push
  office$  vitrine build lobby -publish                        with the new key, under the new root

A root key is lost, or its owner leaves
  office$  vitrine key rotate Carol dora.pub --note 'Carol has left'
  office$  vitrine key revoke Carol                            without a successor, while enough others are left

A relay's own word that nothing newer is held back: certified, so that it can be taken back
  office$  vitrine key add relay --from-relay

A key that an ssh-agent holds, or a smart card behind it (OpenPGP card, PIV by PKCS #11): any plain ssh-ed25519 key
  office$  ssh-add -l
  office$  vitrine key add publisher ~/.ssh/id_ed25519.pub --name 'card of Alice'
  office$  vitrine build lobby -o lobby.vitrine                signs with it while the agent runs
Keys of type sk-ssh-ed25519 (FIDO) sign no plain bytes and cannot be used.

A bundle whose publisher's key never touches the network
  office$  vitrine build lobby --request lobby.request
  safe$    vitrine key sign lobby.request --key publisher.key
  office$  vitrine build lobby --signed lobby.publisher.signed -o lobby.vitrine

example: vitrine key new --customer acme
`)
	return b.String()
}
