package esxsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"vmdkvol/driver/wire"
)

// The values of Meta.Status.
const (
	statusAttached = "attached"
	statusDetached = "detached"
)

// Meta is the metadata of a volume, kept as JSON in a sidecar beside the disk (docs/original.md §2.14). It is advice, not
// truth: the file lock decides who has the disk. Empty fields are absent from the text. A Meta that somebody else can
// see is not changed any more, its map and Device included.
type Meta struct {
	Status    string            // "attached" or "detached"
	VolOpts   map[string]string // options of create, diskformat always among them; nil if lost
	Created   string            // UTC, like "Tue Dec 20 19:35:28 2016"
	CreatedBy string            // name of the VM that created the volume

	AttachedUUID string // instance uuid of the VM, or its BIOS uuid if it has none
	AttachedName string
	Device       *wire.Device

	// Others has the members that this service has no use for, as JSON, and OtherOpts those of volOpts: what another
	// writer left is kept.
	Others, OtherOpts map[string]string
}

// The original stores options as they came and adds diskformat at the end.
func metaOptionOrder() [7]string {
	return [...]string{optSize, optPolicy, optAttachAs, optAccess, optFSType, optCloneFrom, optDiskFormat}
}

// EncodeMeta returns the text of a sidecar, without padding. Equal metadata has equal text.
func EncodeMeta(m Meta) []byte {
	b := make([]byte, 1, 384)
	b[0] = '{'
	if m.Status != "" {
		b = appendField(b, "status", m.Status)
	}
	if m.VolOpts != nil || len(m.OtherOpts) > 0 {
		b = appendKey(b, "volOpts")
		b = append(b, '{')
		order := metaOptionOrder()
		known := 0
		for _, key := range order {
			if value, ok := m.VolOpts[key]; ok {
				b = appendField(b, key, value)
				known++
			}
		}
		if known < len(m.VolOpts) {
			b = appendOtherOptions(b, m.VolOpts, order[:])
		}
		b = appendOthers(b, m.OtherOpts, func(key string) bool { _, set := m.VolOpts[key]; return set })
		b = append(b, '}')
	}
	if m.Created != "" {
		b = appendField(b, "created", m.Created)
	}
	if m.CreatedBy != "" {
		b = appendField(b, "created-by", m.CreatedBy)
	}
	if m.AttachedUUID != "" {
		b = appendField(b, "attachedVMUuid", m.AttachedUUID)
	}
	if m.AttachedName != "" {
		b = appendField(b, "attachedVMName", m.AttachedName)
	}
	if m.Device != nil {
		b = appendKey(b, "attachedVMDevice")
		b = wire.AppendDevice(b, *m.Device)
	}
	b = appendOthers(b, m.Others, m.has)
	return append(b, '}')
}

// has reports whether a member of the text is one that m sets itself.
func (m *Meta) has(key string) bool {
	switch key {
	case "status":
		return m.Status != ""
	case "volOpts":
		return m.VolOpts != nil || len(m.OtherOpts) > 0
	case "created":
		return m.Created != ""
	case "created-by":
		return m.CreatedBy != ""
	case "attachedVMUuid":
		return m.AttachedUUID != ""
	case "attachedVMName":
		return m.AttachedName != ""
	case "attachedVMDevice":
		return m.Device != nil
	}
	return false
}

// appendOthers appends the members that are not set otherwise.
func appendOthers(b []byte, others map[string]string, set func(key string) bool) []byte {
	for _, key := range sorted(others) {
		if !set(key) {
			b = append(appendKey(b, key), others[key]...)
		}
	}
	return b
}

// appendOtherOptions appends the options that this service does not know; another writer may have.
func appendOtherOptions(b []byte, opts map[string]string, known []string) []byte {
	var rest []string
	for key := range opts {
		if !slices.Contains(known, key) {
			rest = append(rest, key)
		}
	}
	slices.Sort(rest)
	for _, key := range rest {
		b = appendField(b, key, opts[key])
	}
	return b
}

// DecodeMeta reads the text of a sidecar; white space after it is padding. The error says that the sidecar is
// unreadable, as a half-written or empty one is.
func DecodeMeta(text []byte) (Meta, error) {
	text = bytes.TrimRight(text, " \n")
	if len(text) == 0 || text[0] != '{' {
		return Meta{}, errors.New("metadata is not a JSON object")
	}
	var raw, opts map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return Meta{}, fmt.Errorf("metadata is unreadable: %w", err)
	}
	m := Meta{}
	for _, known := range []struct {
		key string
		to  any
	}{
		{"status", &m.Status},
		{"created", &m.Created},
		{"created-by", &m.CreatedBy},
		{"volOpts", &opts},
		{"attachedVMUuid", &m.AttachedUUID},
		{"attachedVMName", &m.AttachedName},
		{"attachedVMDevice", &m.Device},
	} {
		if value, there := raw[known.key]; there && json.Unmarshal(value, known.to) == nil {
			delete(raw, known.key)
		}
	}
	if raw["attachedVMDevice"] != nil { // half of one
		m.Device = nil
	}
	if opts != nil {
		m.VolOpts = make(map[string]string, len(opts))
	}
	for _, key := range sorted(opts) {
		var text *string
		if json.Unmarshal(opts[key], &text) == nil && text != nil {
			m.VolOpts[key] = *text
			delete(opts, key)
		}
	}
	m.Others, m.OtherOpts = texts(raw), texts(opts)
	return m, nil
}

// texts are values as JSON; nil if there are none.
func texts(values map[string]json.RawMessage) map[string]string {
	if len(values) == 0 {
		return nil
	}
	all := make(map[string]string, len(values))
	for _, key := range sorted(values) {
		all[key] = string(values[key])
	}
	return all
}

// attachedTo returns m as the metadata of a volume that was attached; a nil device keeps the recorded one.
func (m Meta) attachedTo(vm *VM, at *wire.Device) Meta {
	m.Status = statusAttached
	m.AttachedUUID = vm.metaUUID()
	m.AttachedName = vm.Name
	if at != nil {
		m.Device = at
	}
	return m
}

// detached returns m as the metadata of a volume that was detached. As in the original, the owner's keys are deleted
// until one of them is missing: a record that is only partly there keeps the rest (docs/original.md §2.8).
func (m Meta) detached() Meta {
	m.Status = statusDetached
	if m.AttachedUUID == "" {
		return m
	}
	m.AttachedUUID = ""
	if m.AttachedName == "" {
		return m
	}
	m.AttachedName, m.Device = "", nil
	return m
}
