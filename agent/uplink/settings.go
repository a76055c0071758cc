package uplink

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"vitrine/cloud/api"
)

// Bounds of what a relay may call a player and its groups.
const (
	longestName = 200 // characters
	mostNames   = 200 // groups, and tags
)

// checkSettings refuses settings that are another player's, or that no person would have written: they are kept, shown and
// logged. id is what the player was given when it was claimed.
func checkSettings(s api.Settings, id string) error {
	if s.ID != id {
		return fmt.Errorf("the relay's settings are for the player %.80q, this is %q: claim the player again if it is to become another one", s.ID, id)
	}
	if len(s.Groups) > mostNames || len(s.Tags) > mostNames {
		return fmt.Errorf("the relay's settings have %d groups and %d tags; %d of each are the most", len(s.Groups), len(s.Tags), mostNames)
	}
	for _, name := range slices.Concat([]string{s.ID, s.Name, s.Zone, s.Locale}, s.Groups, s.Tags) {
		if !utf8.ValidString(name) || utf8.RuneCountInString(name) > longestName {
			return fmt.Errorf("the relay's settings name %.80q…, which is longer than %d characters or not UTF-8: give it a shorter one", name, longestName)
		}
		for _, r := range name {
			if !unicode.IsGraphic(r) {
				return fmt.Errorf("the relay's settings name %q, which holds a character that cannot be printed: write the name again", name)
			}
		}
	}
	return nil
}

// overlay puts what the publisher has signed above what the relay's people say.
func (u *Uplink) overlay(s api.Settings) api.Settings {
	if u.cfg.Mail == nil {
		return s
	}
	return u.cfg.Mail.Overlay(s)
}
