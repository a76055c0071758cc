package mailroom

import (
	"reflect"
	"slices"

	"vitrine/agent/bundle/parcel"
	"vitrine/cloud/api"
)

// Settle does what settings still ask for; at the start it makes up for what a cut has kept from being done.
func (m *Mailroom) Settle() error {
	m.mu.Lock()
	s, owed := m.now.Settings, m.now.Owed
	m.mu.Unlock()
	if s == nil || !owed {
		return nil
	}
	if err := m.cfg.Do.Settle(*s); err != nil {
		return err
	}
	return m.change("", func(s *state) { s.Owed = false })
}

// Overlay puts what the publisher has said about this player above what the relay's people say, and remembers what those said.
func (m *Mailroom) Overlay(s api.Settings) api.Settings {
	m.mu.Lock()
	o, was := m.now.Settings, m.now.Below
	ours := m.ours()
	m.mu.Unlock()
	if o == nil || !ours {
		return s
	}
	if was == nil || !reflect.DeepEqual(*was, s) {
		if err := m.change("", func(st *state) { st.Below = &s }); err != nil {
			m.cfg.Log.Warn("settings of the relay not kept", "error", err)
		}
	}
	return overlay(s, o)
}

// Stand is what holds of a player's settings: what the publisher has said above what the relay's people have said last. now is
// what holds without, before the publisher has said anything.
func (m *Mailroom) Stand(now api.Settings) (api.Settings, error) {
	m.mu.Lock()
	o, was := m.now.Settings, m.now.Below
	m.mu.Unlock()
	if was == nil {
		if err := m.change("", func(st *state) { st.Below = &now }); err != nil {
			return now, err
		}
		was = &now
	}
	return overlay(*was, o), nil
}

func overlay(s api.Settings, o *parcel.Settings) api.Settings {
	if o == nil {
		return s
	}
	for _, f := range []struct {
		from *string
		to   *string
	}{{o.Name, &s.Name}, {o.Zone, &s.Zone}, {o.Locale, &s.Locale}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if o.Groups != nil {
		s.Groups = slices.Clone(o.Groups)
	}
	if o.Tags != nil {
		s.Tags = slices.Clone(o.Tags)
	}
	return s
}

// ExportTo is to whom exports are encrypted when a person asks for one.
func (m *Mailroom) ExportTo() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now.Settings == nil || !m.ours() {
		return nil
	}
	return slices.Clone(m.now.Settings.Export)
}
