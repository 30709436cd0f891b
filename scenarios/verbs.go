package scenarios

import "strings"

// Verb describes one operation of the language.
type Verb struct {
	Name  string
	Group string   // docker, guest, esx, plugin, time or judge
	Takes string   // what follows the verb, for people
	Keys  []string // key=value words that may follow
}

var createKeys = []string{"access", "attach-as", "diskformat", "fstype", "size"}

// sendKeys are the options of the protocol's create, and the version and the length of the request.
var sendKeys = append([]string{"clone-from", "length", "version", "vsan-policy-name"}, createKeys...)

// Verbs returns all operations that a client can do, in the order of the reference.
func Verbs() []Verb {
	return []Verb{
		{"create", dockerGroup, "VOLUME [KEY=VALUE]...", createKeys},
		{"remove", dockerGroup, "VOLUME", nil},
		{"mount", dockerGroup, "VOLUME [id=ID]", []string{"id"}},
		{"unmount", dockerGroup, "VOLUME [id=ID]", []string{"id"}},
		{"get", dockerGroup, "VOLUME", nil},
		{"list", dockerGroup, "", nil},
		{"path", dockerGroup, "VOLUME", nil},
		{"write", "guest", "VOLUME TEXT", nil},
		{"sync", "guest", "VOLUME", nil},
		{"read", "guest", "VOLUME", nil},
		{"tamper", "guest", "VOLUME", nil},
		{"poweroff", "esx", "VM", nil},
		{"poweron", "esx", "VM", nil},
		{"suspend", "esx", "VM", nil},
		{"resume", "esx", "VM", nil},
		{"reset", "esx", "VM", nil},
		{"migrate", "esx", "VM ESX", nil},
		{"rename", "esx", "VM NAME", nil},
		{"crash", "plugin", "plugin|ESX|hostd[@ESX]", nil},
		{"restart", "plugin", "plugin|ESX|hostd[@ESX]", nil},
		{"stop", "esx", "ESX", nil},
		{"fail", "esx", "ESX", nil},
		{"replace", "esx", "ESX", nil},
		{"admin", "esx", "ACTION VMGROUP [KEY=VALUE]...", adminKeys},
		{"send", "esx", "COMMAND [VOLUME] [KEY=VALUE]...", sendKeys},
		{"sleep", "time", "DURATION", nil},
		{"check", "judge", "FACT=VALUE...", nil},
	}
}

// dockerGroup are the calls of the plugin protocol; each is a fault point, docker.VERB(VOLUME).
const dockerGroup = "docker"

func dockerPoint(verb string) string { return "docker." + verb }

func verbNames() []string {
	var names []string
	for _, v := range Verbs() {
		names = append(names, v.Name)
	}
	return names
}

// The process beside ESX hosts that can crash and be started again, and their agents'.
const (
	pluginProcess = "plugin"
	hostdProcess  = "hostd"
)

// disruptive verbs end lives; a script without any runs in a world that is cheaper to build.
func disruptive(verb string) bool {
	switch verb {
	case "poweroff", "poweron", "suspend", "resume", "reset", "migrate", "crash", "restart", "stop", "fail", "replace":
		return true
	}
	return false
}

// ends reports whether an operation ends the service of an ESX host.
func (o *Op) ends() bool {
	switch o.Verb {
	case "crash", "restart":
		process, _, _ := strings.Cut(o.Target, "@")
		return process != pluginProcess && process != hostdProcess
	case "stop", "fail":
		return true
	}
	return false
}

// aimed is what an operation aims at: VMs and ESX hosts, "" if none.
func (o *Op) aimed() (vm, esx string) {
	switch o.Verb {
	case "poweroff", "poweron", "suspend", "resume", "reset", "rename":
		return o.Target, ""
	case "migrate":
		return o.Target, o.Text
	case "stop", "fail", "replace":
		return "", o.Target
	case "crash", "restart":
		process, at, _ := strings.Cut(o.Target, "@")
		switch {
		case process == hostdProcess:
			return "", at
		case process != pluginProcess:
			return "", o.Target
		}
	}
	return "", ""
}
