package esxsim

import (
	"context"
	"strings"
	"unicode/utf8"
)

// The vmgroup of VMs that are in no other.
const (
	DefaultVmgroup     = "_DEFAULT"
	DefaultVmgroupUUID = "11111111-1111-1111-1111-111111111111"
)

const maxNameLen = 100 // characters

// cutLast splits a name at its last "@".
func cutLast(name string) (volume, datastore string, found bool) {
	i := strings.LastIndexByte(name, '@')
	if i < 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// named is a name that was sent, taken apart.
type named struct {
	volume, datastore string
	fault             string // of checkName
}

func parseName(name string) named {
	volume, datastore, _ := cutLast(name)
	return named{volume, datastore, checkName(volume, datastore)}
}

// checkName applies docs/original.md §2.3, in its order. Faults of this kind arrive as the repr of their text.
func checkName(volume, datastore string) (fault string) {
	switch {
	case snapshotNamed(volume):
		return repr("Volume names ending with '-NNNNNN' (where N is a digit) are not supported")
	case utf8.RuneCountInString(volume) > maxNameLen:
		return repr("Volume name is too long (max len is 100)")
	case strings.ContainsAny(volume, `/\`):
		return repr("Volume name contains illegal characters: /")
	case utf8.RuneCountInString(datastore) > maxNameLen:
		return repr("Datastore name is too long (max len is 100)")
	case strings.IndexByte(volume, 0) >= 0:
		// Not a rule of names: no file can be called so.
		return "Server returned an error: ValueError('embedded null byte')"
	}
	return ""
}

// snapshotNamed reports whether the original's pattern ^.*-[0-9]{6}$ finds a name: there, a newline may follow, and none may
// come before.
func snapshotNamed(volume string) bool {
	volume = strings.TrimSuffix(volume, "\n")
	return snapshotName(volume) && !strings.Contains(volume, "\n")
}

// snapshotName reports whether a name ends like a snapshot delta: a dash and six digits.
func snapshotName(volume string) bool {
	n := len(volume) - len("-000000")
	if n < 0 || volume[n] != '-' {
		return false
	}
	for _, c := range []byte(volume[n+1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// locate finds out which volume a name means for a VM of that vmgroup and with that home datastore. A clone's destination is the default of a
// short name of its source; nil: the name is no source's.
func (s *Service) locate(ctx context.Context, g *group, name *named, home string, destination *Volume) (v Volume, fault string) {
	volume, datastore := name.volume, name.datastore
	if name.fault != "" {
		return v, name.fault
	}
	if !s.quirk.has(reservedNames) && reservedSuffix(volume) != "" {
		return v, repr("Volume names ending with '" + reservedSuffix(volume) + "' are not supported")
	}
	switch datastore {
	case "":
		if datastore = g.DefaultDatastore; destination != nil {
			datastore = destination.Datastore
		}
	case HomeDatastore:
	default:
		known, err := s.datastores(ctx)
		if err != nil {
			return v, "Server returned an error: " + err.Error()
		}
		if datastore, fault = s.findDatastore(g, known, datastore, destination != nil); fault != "" {
			return v, fault
		}
	}
	if datastore == HomeDatastore {
		datastore = home
	}
	return Volume{Datastore: datastore, Vmgroup: g.UUID, Name: volume}, ""
}

// datastores returns the datastores that names are compared with.
func (s *Service) datastores(ctx context.Context) ([]string, error) {
	if s.quirk.has(datastoreCacheRace) {
		s.env.Touch("datastores", false)
		s.mu.lock()
		empty := s.emptied > 0
		s.mu.unlock()
		if empty {
			return nil, nil
		}
	}
	return s.store.Datastores(ctx)
}

// refresh reads the datastores anew. In the original the cache is made aside and put in its place at once, which nobody
// sees; before commit 5c3f5c1 it was emptied, then filled (quirk datastore-cache-race).
func (s *Service) refresh(vm string) {
	if !s.quirk.has(datastoreCacheRace) {
		if s.cfg.EveryStep {
			s.stage.Before("esx.datastores", vm)
		}
		return
	}
	s.env.Touch("datastores", true)
	s.mu.lock()
	s.emptied++
	s.mu.unlock()
	s.stage.Before("esx.datastores", vm)
	s.env.Touch("datastores", true)
	s.mu.lock()
	s.emptied--
	s.mu.unlock()
}

// findDatastore returns the real spelling of a datastore's name (docs/original.md §2.3, §2.4).
func (s *Service) findDatastore(g *group, known []string, name string, ofSource bool) (datastore, fault string) {
	if len(known) == 1 && known[0] == name {
		return name, "" // as most are
	}
	var found []string
	lower := strings.ToLower(name)
	for _, ds := range known {
		if strings.ToLower(ds) == lower {
			found = append(found, ds)
		}
	}
	switch len(found) {
	case 1:
		return found[0], ""
	case 0:
		return "", "Invalid datastore '" + name + "'.\nKnown datastores: " + strings.Join(known, ", ") +
			".\n" + aboutDefault(g.DefaultDatastore, ofSource)
	default:
		return "", repr("Found multiple datastores with same name (ignoring case difference): " + reprList(found))
	}
}

// aboutDefault is the last line of the fault of an unknown datastore.
func aboutDefault(byDefault string, ofSource bool) string {
	switch {
	case !ofSource:
		return "Default datastore: " + byDefault
	case byDefault == HomeDatastore:
		return "Default datastore_url: " + HomeDatastore + "://"
	default:
		return "Default datastore_url: ds:///vmfs/volumes/" + byDefault + "/"
	}
}

// path is the path of a volume's descriptor as the service's texts show it.
func (g *group) path(v Volume) string {
	return "/vmfs/volumes/" + v.Datastore + "/dockvols/" + g.Name + "/" + v.Name + ".vmdk"
}

// reservedSuffix returns the ending that ESX itself gives to files of a disk, "" if the name has none.
func reservedSuffix(volume string) string {
	for _, suffix := range [...]string{"-flat", "-delta", "-ctk", "-digest"} {
		if strings.HasSuffix(volume, suffix) {
			return suffix
		}
	}
	return ""
}
