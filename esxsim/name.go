package esxsim

import (
	"context"
	"strings"
	"unicode/utf8"
)

// The only vmgroup of this host.
const (
	DefaultVmgroup     = "_DEFAULT"
	DefaultVmgroupUUID = "11111111-1111-1111-1111-111111111111"
)

// homeDatastore stands for the home datastore of the calling VM.
const homeDatastore = "_VM_DS"

const maxNameLen = 100 // characters

// cutLast splits a name at its last "@".
func cutLast(name string) (volume, datastore string, found bool) {
	i := strings.LastIndexByte(name, '@')
	if i < 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// checkName applies docs/original.md §2.3, in its order. Faults of this kind arrive as the repr of their text.
func checkName(volume, datastore string) (fault string) {
	switch {
	case snapshotName(volume):
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

// locate finds out which volume a name means for a VM.
func (s *Service) locate(ctx context.Context, r *request, vm VM) (v Volume, fault string) {
	volume, datastore, _ := cutLast(r.name)
	if fault := checkName(volume, datastore); fault != "" {
		return v, fault
	}
	if !s.quirk.reservedNames && reservedSuffix(volume) != "" {
		return v, repr("Volume names ending with '" + reservedSuffix(volume) + "' are not supported")
	}
	switch datastore {
	case "":
		datastore = s.cfg.DefaultDatastore
	case homeDatastore:
	default:
		known, err := s.store.Datastores(ctx)
		if err != nil {
			return v, "Server returned an error: " + err.Error()
		}
		if datastore, fault = findDatastore(known, datastore, s.cfg.DefaultDatastore); fault != "" {
			return v, fault
		}
	}
	if datastore == homeDatastore {
		datastore = vm.Home
	}
	return Volume{Datastore: datastore, Vmgroup: DefaultVmgroupUUID, Name: volume}, ""
}

// findDatastore returns the real spelling of a datastore's name (docs/original.md §2.3, §2.4).
func findDatastore(known []string, name, defaultDatastore string) (datastore, fault string) {
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
			".\nDefault datastore: " + defaultDatastore
	default:
		return "", repr("Found multiple datastores with same name (ignoring case difference): " + reprList(found))
	}
}

// vmdkPath is the path of a volume's descriptor as the service's texts show it.
func vmdkPath(v Volume) string {
	return "/vmfs/volumes/" + v.Datastore + "/dockvols/" + DefaultVmgroup + "/" + v.Name + ".vmdk"
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
