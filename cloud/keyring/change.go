package keyring

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
)

// Next is a copy of a root as its next version begins. One that had an end keeps its length of life.
func Next(r *bundle.Root, now time.Time) *bundle.Root {
	next := &bundle.Root{Format: r.Format, Customer: r.Customer, Version: r.Version + 1, Issued: now.UTC().Truncate(time.Second),
		Expires: r.Expires, Keys: maps.Clone(r.Keys), Roles: map[string]bundle.Role{}}
	for role, who := range r.Roles {
		next.Roles[role] = bundle.Role{Keys: slices.Clone(who.Keys), Threshold: who.Threshold}
	}
	if !r.Expires.IsZero() {
		next.Expires = next.Issued.Add(r.Expires.Sub(r.Issued))
	}
	return next
}

// Roles are those that a key can be given.
func Roles() []string {
	return []string{bundle.RoleRoot, bundle.RolePublisher, bundle.RoleWarning, bundle.RoleRelay}
}

// Add gives a key a role.
func Add(r *bundle.Root, role string, p Public) error {
	if !slices.Contains(Roles(), role) {
		return fmt.Errorf("there is no role %q: %s", role, strings.Join(Roles(), ", "))
	}
	if slices.Contains(r.Roles[role].Keys, p.ID) {
		return fmt.Errorf("%s (%s) has the role %q already", p.Name, p.Words(), role)
	}
	if was, known := r.Keys[p.ID]; known {
		p.Name = was.Name
	}
	for id, k := range r.Keys {
		if k.Name == p.Name && id != p.ID {
			return fmt.Errorf("another key is called %q already: give this one a name of its own with --name", p.Name)
		}
	}
	r.Allow(role, p.Name, p.Key)
	return nil
}

// Revoke takes a key away from every role that it has, and gives those. A role is never left with fewer keys than must sign.
func Revoke(r *bundle.Root, id string) (roles []string, err error) {
	roles = rolesOf(r, id)
	for _, role := range roles {
		who := r.Roles[role]
		who.Keys = slices.DeleteFunc(slices.Clone(who.Keys), func(k string) bool { return k == id })
		switch optional := role != bundle.RoleRoot && role != bundle.RolePublisher; {
		case len(who.Keys) == 0 && optional:
			delete(r.Roles, role)
			continue
		case len(who.Keys) < who.Threshold:
			return nil, fmt.Errorf("%s is one of the %d keys of the role %q, of which %d must sign: put another in its place (vitrine key rotate), or lower the threshold first",
				r.Keys[id].Name, len(who.Keys)+1, role, who.Threshold)
		}
		r.Roles[role] = who
	}
	delete(r.Keys, id)
	return roles, nil
}

// Rotate puts a new key in an old one's place, in every role that this has.
func Rotate(r *bundle.Root, id string, p Public) (roles []string, err error) {
	if _, known := r.Keys[p.ID]; known {
		return nil, fmt.Errorf("%s (%s) is in root %d already: make a new key for the place of the old one", p.Name, p.Words(), r.Version-1)
	}
	roles = rolesOf(r, id)
	if p.Name == "" || p.Name == r.Keys[id].Name {
		p.Name = fmt.Sprintf("%s (%d)", strings.TrimSpace(cutVersion(r.Keys[id].Name)), r.Version)
	}
	delete(r.Keys, id)
	for _, role := range roles {
		who := r.Roles[role]
		who.Keys = slices.DeleteFunc(who.Keys, func(k string) bool { return k == id })
		r.Roles[role] = who
		if err := Add(r, role, p); err != nil {
			return nil, err
		}
	}
	return roles, nil
}

// cutVersion is a name without the "(n)" that an earlier Rotate has put behind it.
func cutVersion(name string) string {
	if i := strings.LastIndex(name, " ("); i > 0 && strings.HasSuffix(name, ")") && strings.Trim(name[i+2:len(name)-1], "0123456789") == "" {
		return name[:i]
	}
	return name
}

// Threshold says how many of a role's keys must sign.
func Threshold(r *bundle.Root, role string, n int) error {
	who, known := r.Roles[role]
	switch {
	case !known:
		return fmt.Errorf("root %d names no key for the role %q", r.Version-1, role)
	case n < 1 || n > len(who.Keys):
		return fmt.Errorf("the role %q has %d keys: 1 to %d of them can be asked to sign, not %d", role, len(who.Keys), len(who.Keys), n)
	case n == who.Threshold:
		return fmt.Errorf("%d of the keys of the role %q must sign already", n, role)
	}
	who.Threshold = n
	r.Roles[role] = who
	return nil
}

func rolesOf(r *bundle.Root, id string) (roles []string) {
	for _, role := range slices.Sorted(maps.Keys(r.Roles)) {
		if slices.Contains(r.Roles[role].Keys, id) {
			roles = append(roles, role)
		}
	}
	return roles
}

// Find is the key of a root that a person means: by its name, its words, its .pub file, or eight digits or more of its id.
func Find(r *bundle.Root, meant string) (id string, err error) {
	if p, err := ReadPublic(meant); err == nil {
		if _, known := r.Keys[p.ID]; known {
			return p.ID, nil
		}
	}
	words := strings.Join(strings.Fields(strings.ToLower(meant)), " ")
	var found []string
	for id, k := range r.Keys {
		if k.Name == meant || strings.Join(bundle.Words(k.Public), " ") == words || len(meant) >= 8 && strings.HasPrefix(id, meant) {
			found = append(found, id)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	var names []string
	for _, k := range r.Keys {
		names = append(names, fmt.Sprintf("%q (%s)", k.Name, strings.Join(bundle.Words(k.Public), " ")))
	}
	slices.Sort(names)
	return "", fmt.Errorf("%d keys of root %d are meant by %q; there are %s", len(found), r.Version, meant, strings.Join(names, ", "))
}
