// Package dockersim is a simulated Docker daemon, as far as a plugin can learn from it: the list of containers. The calls
// that Docker makes to the plugin are a scenario's.
//
// There is one container for each mount ID, which Docker does not tell, and volume. It is listed, and not running, from
// before its first Mount; it runs some time after the answer; and it is shown as running for some time after its Unmount
// was answered (docs/original.md §3.8). Containers outlive the plugin, and end with the VM.
//
// Invariants:
//
//   - Between an answer of the plugin and what the list shows of it there is a yield, so that whoever asks in between
//     learns the older state.
//   - It waits for nobody but in the fault "hang", and that ends with the question's context.
//   - Whoever calls takes turns, as the tasks of a kernel do. So there is no lock, and its functions carry go:norace: the
//     race detector is to judge the plugin.
//
// Example:
//
//	d := dockersim.New(dockersim.Config{Env: world, Stage: kernel, Host: "vm1"})
//	d.Asks("web", "data") // then Docker asks the plugin to mount
//	d.Mounted("web", "data")
//	list, err := d.Containers(ctx, pluginWorld)
package dockersim
