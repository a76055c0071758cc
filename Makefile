# Vitrine: digital signage. `make help` says what there is.
#
#	packaging/setup.sh (packages, Go) ──> packaging/env.sh (PATH, tags) ──> go build, go test, packaging/demo …

SHELL    := /bin/bash
SETUP    := packaging/setup.sh
ENV      := . packaging/env.sh &&
TOOL     := go tool -modfile=packaging/tools/go.mod
STAMP    := -trimpath -ldflags "-s -w"
FUZZTIME ?= 10s
SECONDS  ?=
SOAK     ?= 15m
OUT      ?=

.PHONY: help setup build test check unit vulnerabilities demo drills bench soak watchdog power wall idle delta changes post qemu slow-stick stick-write oracle huge fuzz bare pictures clean

help:
	@echo 'make test                    install what is missing, vet, run every test with the race detector'
	@echo 'make demo [SECONDS=60] [OUT=DIR]   relay, player and a published bundle on this machine, on a display or Xvfb'
	@echo 'make drills [OUT=DIR]        the demo with its relay, player and renderer killed, and bundles that must be refused'
	@echo 'make bench                   figures, each beside what a person would use instead'
	@echo 'make changes [OUT=FILE]      500 changes of every pair of kinds, without a ticker, and as many with one: gaps as a table (45 minutes)'
	@echo 'make wall [FOR=2m]           two players of an aligned loop: how many frames apart, one of them killed halfway'
	@echo 'make soak [SOAK=15m] [OUT=DIR]   thousands of changes of all kinds: the slope of the memory, and its plot'
	@echo 'make watchdog                items that fail in every way, a renderer killed 50 times, a screen that stands still: never black'
	@echo 'make power [CUTS=200]        a player’s day: the power cut, killed, and refused by the disk at each of its changes (root)'
	@echo 'make post                    secrets, settings, a relay, updates and exports between real processes; a player killed at every step of an update'
	@echo 'make qemu                    real vfat and exFAT sticks, plugged and pulled, and an NFS server that goes away, with a player in a Debian of its own (root; 20 minutes)'
	@echo 'make slow-stick [FOR=60s]    a stick of 100 kB/s beside a video: frames shown with it and without it'
	@echo 'make stick-write [MIB=256]   a stick written and read back, beside cp, sync and sha256sum (root)'
	@echo 'make oracle                  workbooks and documents of other people, cell by cell as LibreOffice and Gnumeric read them; figures'
	@echo 'make huge                    files of 10 GiB, on the disk, announced, without end and packed: refused; memory and time of each'
	@echo 'make idle [FOR=30s]          what a download in idle mode leaves to others on a line of 2 and 20 Mbit/s: a table (root; 10 minutes)'
	@echo 'make delta [MIB=10240]       what moves when a hundredth of a bundle of 10 GiB changes (twice that on the disk meanwhile)'
	@echo 'make build                   the four programs in bin/, and the player’s helper for ODBC'
	@echo 'make fuzz [FUZZTIME=10s]     every parser of foreign bytes against random ones'
	@echo 'make bare [SUITE=trixie]     make demo and make test in a Debian that holds nothing else (root)'
	@echo 'make pictures                draw the README’s pictures again'
	@echo 'make clean                   remove bin/ and out/'

setup:
	@$(SETUP)

build: setup
	@$(ENV) CGO_ENABLED=0 go build $(STAMP) -o bin/ ./agent/cmd/vitrine-player ./agent/cmd/vitrine-odbc ./cloud/cmd/vitrine-relay ./cloud/cmd/vitrine
	@$(ENV) { [ -n "$$TAGS" ] || export CGO_ENABLED=0; go build $(STAMP) -tags "$$TAGS" -o bin/ ./render/cmd/vitrine-render; }

test: check unit

check: setup
	@$(ENV) files=$$(gofmt -l agent cloud render usb packaging) && { [ -z "$$files" ] || { echo "not as gofmt writes it: $$files"; exit 1; }; }
	@$(ENV) go vet ./... && { [ -z "$$TAGS" ] || go vet -tags "$$TAGS" ./...; }
	@$(ENV) $(TOOL) staticcheck -tags "$$TAGS" ./...
	@$(MAKE) --no-print-directory vulnerabilities

# govulncheck ends with 3 when it has found something and with 1 when it cannot ask its database.
vulnerabilities: setup
	@$(ENV) log=$$(mktemp); trap 'rm -f "$$log"' EXIT; rc=0; timeout 180 $(TOOL) govulncheck -tags "$$TAGS" ./... >"$$log" 2>&1 || rc=$$?; \
	case $$rc in \
	0) ;; \
	3) cat "$$log"; exit 1 ;; \
	*) echo "govulncheck: skipped, its database cannot be asked: $$(tail -n 1 "$$log")" ;; \
	esac

# The tests start their own binary hundreds of times; the race detector would wait a second at the end of each.
unit: build
	@$(ENV) GORACE=atexit_sleep_ms=0 go test -race -tags "$$TAGS" -timeout 15m ./...

demo drills: build
	@$(ENV) go run ./packaging/demo -bin bin $(if $(filter drills,$@),-drills) $(if $(SECONDS),-seconds $(SECONDS)) $(if $(OUT),-out "$(OUT)")

bench: build
	@$(ENV) go run ./packaging/demo -bin bin -bench $(if $(OUT),-out "$(OUT)")

changes: build
	@$(ENV) set -o pipefail; mkdir -p out; VITRINE_RENDER=$$PWD/bin/vitrine-render go test -tags "$$TAGS" ./render/cmd/vitrine-render -run TestChangesFigures \
		-changes "$(abspath $(or $(OUT),out/changes.json))" -v -timeout 2h | grep -v -e report: -e 'renderer said'

wall: setup
	@mkdir -p out; $(ENV) go test ./packaging -run StayTogether -v -count 1 -timeout 30m -wall $(or $(FOR),2m) -wall-out $(CURDIR)/out/wall.json

idle: setup
	@$(ENV) set -o pipefail; go test ./agent/uplink/ledbat -run TakesOnlyWhatIsFree -v -count 1 -timeout 60m -table $(or $(FOR),30s) | grep -v '^=== '

delta: setup
	@$(ENV) set -o pipefail; go test ./packaging -run AHundredthThatChanges -v -count 1 -timeout 60m -delta $(or $(MIB),10240) | grep -v -e '^=== ' -e level=

# A week of changes at a higher pace: the memory of player and renderer must stay level.
soak: build
	@$(ENV) go run ./packaging/soak -bin bin -for $(SOAK) $(if $(OUT),-out "$(OUT)")

watchdog: setup
	@$(ENV) go test ./agent -run 'InEveryWay|AgainAndAgain|StandsStill|Ceiling' -count 1 -long -kills 50 -timeout 15m

power: setup
	@$(ENV) go test ./agent/store -run 'PowerCut|AnyChange' -count 1 -v -timeout 2h -broken -mishaps 0 -cuts $(or $(CUTS),200)

post: setup
	@$(ENV) go test ./packaging/post -count 1 -v -timeout 30m -kills

# The programs and tests that run in the guest need nothing of its libraries. Its disk is made once and stays in out/guest.
qemu: setup
	@$(SETUP) packaging/debian-packages-qemu.txt
	@packaging/guest/root.sh out/guest
	@$(ENV) export CGO_ENABLED=0; mkdir -p out/guest/bin out/guest/tests && \
		go build $(STAMP) -o out/guest/bin/ ./agent/cmd/vitrine-player ./cloud/cmd/vitrine ./render/cmd/vitrine-render && \
		for p in writer importer udisks; do go test -c -o out/guest/tests/$$p ./usb/$$p || exit 1; done && \
		go run ./packaging/guest -base out/guest -bin out/guest/bin -tests out/guest/tests -out $(or $(OUT),out)

slow-stick: build
	@$(ENV) VITRINE_RENDER=$$PWD/bin/vitrine-render go test -tags "$$TAGS" ./agent -run SlowStickFigures -count 1 -v -timeout 1h -slow-stick $(or $(FOR),60s) | grep -v level=

stick-write: setup
	@$(ENV) go test ./usb/writer -run WriteFigures -count 1 -v -timeout 1h -figures $(or $(MIB),256)

oracle:
	@$(SETUP) packaging/debian-packages-oracle.txt
	@packaging/oracle.sh

huge: setup
	@$(ENV) set -o pipefail; go test ./agent/connect -run 'TenGigabytes|AsLongAsItMayBe' -count 1 -v -timeout 60m -huge | grep -v -e '^=== ' -e '--- PASS'

# One fuzz function at a time: go test -fuzz takes no more.
fuzz: setup
	@$(ENV) set -e; grep -rlE '^func Fuzz' --include=*_test.go agent cloud render usb | while read -r file; do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file"); do \
			echo "fuzz: $$(dirname "$$file") $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "./$$(dirname "$$file")"; \
		done; \
	done

bare:
	@packaging/bare.sh $(SUITE)

pictures: build
	@$(ENV) packaging/pictures/make.sh

clean:
	rm -rf bin out
