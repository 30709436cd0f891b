package wire

// The encoders of replies write what Python's json.dumps writes, field by field in the order of the original
// (docs/original.md §1.8, §2.9). Text that is not UTF-8 gets U+FFFD for each bad byte.

// AppendNull appends the success of create, remove and detach, and get's "metadata cannot be read".
func AppendNull(dst []byte) []byte { return append(dst, "null"...) }

// AppendError appends a failure. An empty text makes a reply that no client takes for anything.
func AppendError(dst []byte, text string) []byte {
	dst = append(dst, `{"Error": `...)
	dst = appendPython(dst, text)
	return append(dst, '}')
}

// AppendDevice appends the success of attach.
func AppendDevice(dst []byte, d Device) []byte {
	dst = append(dst, `{"Unit": `...)
	dst = appendPython(dst, d.Unit)
	dst = append(dst, `, "ControllerPciSlotNumber": `...)
	dst = appendPython(dst, d.ControllerPciSlotNumber)
	dst = append(dst, `, "ControllerPciBusNumber": `...)
	dst = appendPython(dst, d.ControllerPciBusNumber)
	return append(dst, '}')
}

// AppendList appends the success of list.
func AppendList(dst []byte, volumes []Listed) []byte {
	dst = append(dst, '[')
	for i, v := range volumes {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, `{"Name": `...)
		dst = appendPython(dst, v.Name)
		dst = append(dst, `, "Attributes": {`...)
		if len(v.Attributes) > 0 {
			for j, k := range sortedKeys(nil, v.Attributes) {
				if j > 0 {
					dst = append(dst, ", "...)
				}
				dst = appendPython(dst, k)
				dst = append(dst, ": "...)
				dst = appendPython(dst, v.Attributes[k])
			}
		}
		dst = append(dst, "}}"...)
	}
	return append(dst, ']')
}

// AppendVolume appends the success of get. Empty optional fields are left out.
func AppendVolume(dst []byte, v Volume) []byte {
	dst = append(dst, `{"created by VM": `...)
	dst = appendPython(dst, v.CreatedBy)
	dst = append(dst, `, "created": `...)
	dst = appendPython(dst, v.Created)
	dst = append(dst, `, "status": `...)
	dst = appendPython(dst, v.Status)
	dst = append(dst, `, "capacity": {"size": `...)
	dst = appendPython(dst, v.Capacity.Size)
	dst = append(dst, `, "allocated": `...)
	dst = appendPython(dst, v.Capacity.Allocated)
	dst = append(dst, `}, "datastore": `...)
	dst = appendPython(dst, v.Datastore)
	dst = appendOptional(dst, `, "attached to VM": `, v.AttachedTo)
	if v.Device != nil {
		dst = append(dst, `, "attachedVMDevice": `...)
		dst = AppendDevice(dst, *v.Device)
	}
	dst = appendOptional(dst, `, "fstype": `, v.FSType)
	dst = appendOptional(dst, `, "vsan-policy-name": `, v.Policy)
	dst = appendOptional(dst, `, "diskformat": `, v.DiskFormat)
	dst = appendOptional(dst, `, "attach-as": `, v.AttachAs)
	dst = appendOptional(dst, `, "access": `, v.Access)
	dst = appendOptional(dst, `, "clone-from": `, v.CloneFrom)
	return append(dst, '}')
}

func appendOptional(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return appendPython(append(dst, key...), value)
}

// AppendVersion appends the success of version; the original says "N/A" if it does not know its version.
func AppendVersion(dst []byte, version string) []byte {
	dst = append(dst, `{"version": `...)
	dst = appendPython(dst, version)
	return append(dst, '}')
}
