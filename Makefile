# What tools rely on (docs/design: stable interfaces): help build test race run e2e lab bench lint fuzz check-imports mutants.
# Each target stops with a non-zero status on any failure.

GO            ?= go
PKGS          ?= ./...
TESTFLAGS     ?=
# whose tests the tag vmci changes
VMCIPKGS      ?= ./driver/vmci ./driver/vmdkops ./lab/conform
# regular expression of the long concurrency tests that only `make race` runs at full size
STORM         ?= Storm|SeededRaces
# time for each fuzz target; FUZZTOTAL, in seconds, divides a budget among all of them instead
FUZZTIME      ?= 30s
FUZZTOTAL     ?=
# time for the target of the whole ESX service, if it is to have another one
FUZZSERVICE   ?=
SERVICEFLAGS  := -fuzzminimizetime 20x
# prefix of the figures that `make bench` measures, such as driver/
BENCH         ?=

GOFUMPT       ?= $(GO) run mvdan.cc/gofumpt@v0.12.0
GOLANGCI      ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
HOUSECHECK    := $(GO) run ./internal/house/housecheck

# what a developer's machine of another system must be able to build
PORTABLE      ?= ./seam/... ./model/... ./explore/... ./driver ./driver/wire/... ./driver/vmdkops/... ./driver/vmci/... \
                 ./vmcisim/... ./esxsim ./guestsim/... ./dockersim/... ./scenarios/... ./cmd/vmdksim
GOFILES       := git ls-files --cached --others --exclude-standard '*.go'

SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## replay the scenarios, then find and shrink the race of PR #810 (Go alone, no root)
	$(GO) run ./cmd/vmdksim demo

.PHONY: test
test: ## every test that needs neither root nor Docker
	$(GO) test $(TESTFLAGS) $(PKGS)
	$(GO) test -tags vmci $(TESTFLAGS) $(VMCIPKGS)

.PHONY: race
race: ## the tests and the storm under the race detector
	$(GO) test -race -short $(TESTFLAGS) $(PKGS)
	@dirs=$$(grep -rlE --include='*_test.go' '^func Test[A-Za-z0-9_]*($(STORM))' . | xargs -r -n1 dirname | sort -u || true); \
	if [ -z "$$dirs" ]; then echo "make race: no test matches '$(STORM)'" >&2; exit 1; fi; \
	set -x; $(GO) test -race -count=1 -timeout 15m -run '$(STORM)' $(TESTFLAGS) $$dirs

# rapid draws so many programs for each of the tests of make machine
CHECKS        ?= 2000

.PHONY: machine
machine: ## random programs from a new seed: the state machine, and the reduced search against the plain one
	$(GO) test -count=1 -timeout 60m -run 'TestMachine' ./scenarios -rapid.seed=0 -rapid.checks=$(CHECKS)
	$(GO) test -count=1 -timeout 60m -run 'Reduced' ./explore -rapid.seed=0 -rapid.checks=$(CHECKS)

.PHONY: e2e
e2e: ## two real Docker Engines on one simulated ESX host (needs root)
	@if [ "$$(id -u)" != 0 ]; then \
		echo "make e2e needs root: it mounts loop devices and starts private Docker Engines. Run: sudo make e2e" >&2; exit 3; fi
	@missing=; for p in dockerd docker losetup unshare mkfs.ext4 mkfs.xfs mkfs.btrfs; do \
		command -v $$p >/dev/null || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "make e2e needs:$$missing. On Debian: apt-get install --no-install-recommends" \
		"docker.io e2fsprogs xfsprogs btrfs-progs mount util-linux" >&2; exit 3; fi
	@if [ ! -e /dev/loop-control ]; then \
		echo "make e2e needs loop devices: there is no /dev/loop-control. Run: modprobe loop" >&2; exit 3; fi
	$(GO) test -tags e2e -count=1 -timeout 20m $(TESTFLAGS) ./lab/e2e/...

.PHONY: lab
lab: ## guests in QEMU over AF_VSOCK and PVSCSI (not there yet)
	@echo "make lab: the tier of QEMU guests is not built yet; it comes with a later issue. make e2e is the nearest one." >&2
	@exit 3

# A figure is a benchmark BenchmarkFigure… that prints lines "bench: NAME VALUE UNIT target=T [ceiling=C]" and skips the
# names that do not begin with the environment variable BENCH.
.PHONY: bench
bench: ## print the figures as lines "bench: NAME VALUE UNIT target=T" (BENCH=prefix chooses)
	@BENCH='$(BENCH)' $(GO) test -run '^$$' -bench '^BenchmarkFigure' -benchtime 1x -timeout 10m $(PKGS) 2>&1 \
		| { grep -oE 'bench: $(BENCH).*|^(FAIL|panic:|# ).*|^[^ ]+\.go:[0-9]+.*' || true; }

.PHONY: mutants
mutants: ## explore every mutant, print who is killed, how fast, and write docs/mutants.md
	$(GO) run ./cmd/vmdksim mutants --write docs/mutants.md

# schedules of today's driver under the race detector
RACES         ?= 100000

.PHONY: determinism
determinism: ## run 100,000 random programs twice, the seeded races, 100,000 schedules under -race; write docs/determinism.md
	$(GO) run ./cmd/vmdksim determinism --races $(RACES) --write docs/determinism.md

.PHONY: determinism-short
determinism-short: ## the same for 20,000 random programs, without races (make race has them); a minute at most
	$(GO) run ./cmd/vmdksim determinism --programs 20000 --guarded 200

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (30s)
	@targets=$$(grep -rhoE --include='*_test.go' -H '^func Fuzz[A-Za-z0-9_]*' . | sed -E 's|/[^/]*:func |:|' | sort || true); \
	n=$$(grep -c . <<<"$$targets" || true); \
	if [ "$$n" = 0 ]; then echo "make fuzz: no fuzz target found" >&2; exit 1; fi; \
	time=$(FUZZTIME); \
	if [ -n '$(FUZZTOTAL)' ]; then s=$$(( 0$(FUZZTOTAL) / n )); time=$$(( s > 1 ? s : 1 ))s; fi; \
	for t in $$targets; do \
		for=$$time; flags=; \
		if [ "$${t#*:}" = FuzzService ]; then for=$(or $(FUZZSERVICE),$$time); flags='$(SERVICEFLAGS)'; fi; \
		echo "fuzz $${t#*:} in $${t%%:*} for $$for"; \
		$(GO) test -run '^$$' -fuzz "^$${t#*:}\$$" -fuzztime "$$for" $$flags "$${t%%:*}"; \
	done

.PHONY: fuzz-service
fuzz-service: ## fuzz the whole ESX service for ten minutes (FUZZSERVICE), keep new seeds, write docs/fuzz.md
	$(GO) run ./cmd/vmdksim fuzz --time $(or $(FUZZSERVICE),10m) --write docs/fuzz.md

.PHONY: lint
lint: fmt-check vet check-decisions ## formatting, go vet, the check of the deciding packages, golangci-lint
	$(GOLANGCI) run $(PKGS)

.PHONY: vet
vet: ## go vet, for each build
	$(GO) vet $(PKGS)
	$(GO) vet -tags vmci ./cmd/vmdkd ./driver/...
	$(GO) vet -tags e2e $(PKGS)

.PHONY: fmt
fmt: ## format the Go files
	$(GOFILES) | xargs -r $(GOFUMPT) -w

.PHONY: fmt-check
fmt-check:
	@out=$$($(GOFILES) | xargs -r $(GOFUMPT) -l); \
	if [ -n "$$out" ]; then echo "not formatted (make fmt):"; echo "$$out"; exit 1; fi >&2

.PHONY: check-imports
check-imports: ## who may import whom; a vmci build links no simulator
	$(HOUSECHECK) -imports

.PHONY: check-decisions
check-decisions: ## no goroutine, lock, clock, chance or I/O in the packages that decide
	$(HOUSECHECK) -decisions

.PHONY: build
build: ## both programs, and vmdkd for real VMCI, into bin/
	$(GO) build -o bin/ ./cmd/vmdkd ./cmd/vmdksim
	$(GO) build -tags vmci -o bin/vmdkd-vmci ./cmd/vmdkd

.PHONY: cross
cross: ## build what must build on another system
	GOOS=darwin $(GO) build $(PORTABLE)

.PHONY: update
update: ## rewrite the golden files; read the diff before you commit it
	UPDATE=1 $(GO) test $(PKGS)
