// Package bench measures the driver and the explorer: figures that `make bench` prints, one line each.
//
//	bench: NAME VALUE UNIT target=T [ceiling=C]
//
// A target is met from above or below as the name says, and "-" if the figure only explains another; ceiling is what the
// surroundings allow at best. Figures judge nothing: a slow machine is no failure. They are measured by benchmarks
// BenchmarkFigure… that run once; one that prints none of the names that begin with the environment variable BENCH is
// skipped. What is timed is timed several times, in turns with what it is compared with, and the best counts.
//
// ESX is esxsim in memory, which takes as long as the figure says; the driver reaches it through a unix socket in the
// figures rate_… and rss_…, and directly elsewhere. The guest is guestsim; locks and time are those of production.
//
// The driver's figures:
//
//	driver/own_us                         a Mount and an Unmount of a mounted volume, below the front
//	driver/same_volume_per_s              the same by 64 clients at once
//	driver/front_of_noop                  the same through the socket, as part of the rate of a server that does nothing
//	driver/others_while_hung_ms           the longest Get or List while an attach hangs; ESX needs 1 ms for each
//	driver/others_while_hung_ms_p50       half of them are faster
//	driver/others_while_hung_ms_p99
//	driver/others_while_hung_ms_worst     of all rounds, with the pauses of the machine
//	driver/others_without_hung_ms_worst   the same while nothing hangs: those pauses alone
//	driver/cycles_drift                   the last 1,000 of 10,000 first Mounts, compared with the first 1,000
//	driver/rate_of_ceiling_50ms           64 clients, a volume each; ESX needs 50 ms and serves all at once
//	driver/rate_of_ceiling_50ms_vmlock    the same; ESX attaches or detaches one disk of a VM at a time
//	driver/rss_mib_1000                   memory of the process vmdkd, 1,000 volumes made and 60 mounted
//	driver/rss_mib_idle                   the same before
//
// The explorer's, for a program of two clients with a pair each and a Remove on one volume, and with the suffix _3x3 for
// three clients with a pair each on three volumes. Schedules are timed with as much garbage as vmdksim lets pile up:
//
//	explore/schedules_per_s               all oracles on
//	explore/schedules_per_s_3x3
//	explore/steps_per_schedule            and how many of them are made by another task than the step before
//	explore/steps_per_schedule_3x3
//	explore/switches_per_schedule
//	explore/switches_per_schedule_3x3
//	explore/rpcs_per_schedule             requests to ESX
//	explore/rpcs_per_schedule_3x3
//	explore/share_kernel                  the explorer itself; shares are of the CPU time
//	explore/share_kernel_3x3
//	explore/share_codec                   messages and metadata as bytes
//	explore/share_codec_3x3
//	explore/share_driver
//	explore/share_driver_3x3
//	explore/share_simulators              network, ESX, guest
//	explore/share_simulators_3x3
//	explore/share_oracles                 the model included
//	explore/share_oracles_3x3
//	explore/share_world                   making a world for each schedule, and the clients in it
//	explore/share_world_3x3
//	explore/share_runtime                 what Go does for all of them, such as collecting garbage
//	explore/share_runtime_3x3
//	explore/engine_vs_synctest            a switch of tasks in a bubble of testing/synctest, compared with the kernel
//	explore/program_vs_synctest           schedules of the first program, compared in the same way
//	explore/step_vs_coroutine             a switch in the kernel, compared with one between bare coroutines
//	explore/runs_vs_sleep_sets            runs that plain sleep sets need, at least, for each of ours: all traces of 3x3
//	explore/year_s                        one virtual year of an idle driver, recovery every five minutes: 105,120 passes over five volumes
//
// The simulated ESX host's: 1,000 VMs with 60 disks each in one world of the explorer, on one core, and a host as
// vmdksim serve is one, whose datastore is a directory:
//
//	esx/commands_per_s                    creating and attaching all disks
//	esx/growth_10x                        that, and powering everything off, compared with 100 VMs
//	esx/bytes_per_disk                    memory that the full world holds
//	esx/bytes_growth_10x                  the same, of all disks, compared with 100 VMs
//	esx/serve_get_per_s                   get by 64 clients, each request on a connection of its own
//	esx/serve_get_cpu_us                  of processors for each, the client's part included
//	esx/serve_get_per_s_db                the same with a config database, which says what the VM may do
//	esx/list_5000_ms                      list of 5,000 volumes by one client
//
// And the failure of PR #810 as it was merged, from 1,000 seeds:
//
//	pr810/found                           from so many
//	pr810/ms_p50                          the search alone
//	pr810/ms_max
//	pr810/schedules_p50                   until the failure
//	pr810/schedules_max
package bench
