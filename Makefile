# `make demo` needs Python 3.11 or later and nothing else. `make help` lists the targets.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,$(shell \
  $(name) -c 'import sys; print("$(name)") if sys.version_info >= (3, 11) else None' 2>/dev/null)))
BIN := .venv/bin
READY := .venv/ready
COMPILED := build/compiled
CORE := tests/unit/detection tests/unit/schemas tests/unit/backtest tests/properties tests/scenarios
ARGS ?=
BROKER ?=
JOBS ?= 2
STORY ?=
SEED ?=
ROUNDS ?= 1
MINUTES ?= 10
# Hundreds of processes are started here, and each would compile the project's modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-thorough test-compiled check check-static check-tests coverage bench bench-detection chaos fuzz gallery wheel format dashboards constraints audit sbom clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

setup: $(READY) ## create .venv with everything pinned in constraints.txt

demo: $(READY) ## a fleet of accounts goes slack; BROKER=kafka for the real one, ARGS='--help' for options
	@$(BIN)/slackwater demo $(if $(BROKER),--broker $(BROKER)) $(ARGS)

test test-thorough check-tests: JOBS := 3 # many of them wait most of the time
test: $(READY) ## every promise once, JOBS=3 at a time; ARGS='--durations=20' or other options of pytest
	$(BIN)/pytest -q -n $(JOBS) --dist load --maxschedchunk 2 -m 'not thorough' $(ARGS)

test-thorough: $(READY) ## what `make test` leaves out: long stories, the other broker, more examples; not of the core
	$(BIN)/pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder -m 'thorough or hypothesis' \
	  --hypothesis-profile full $(CORE:%=--ignore=%) $(ARGS)

test-compiled: $(COMPILED)/ready ## all tests of the core and of backtests, on its compiled form, many examples; takes a C compiler
	$(BIN)/pytest -q -n $(JOBS) -m 'not system' --hypothesis-profile thorough -o 'pythonpath=$(COMPILED) .' $(CORE) $(ARGS)

check: $(READY) ## format, lint, types, import contracts, unit tests that are quick
	@$(MAKE) --no-print-directory -j 2 check-static check-tests

# They run side by side: tests wait now and then, the others take one core.
check-static: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-tests: $(READY)
	$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m 'not system and not slow and not thorough' tests/unit tests/architecture

coverage: $(READY) ## which lines the tests without Kafka run
	$(BIN)/pytest -q -n $(JOBS) -m 'not system' --cov --cov-report=term

bench: $(READY) ## figures against peers, in one run of 25 minutes; ARGS='--list' for the parts; fails nothing
	-@if command -v cc >/dev/null; then $(MAKE) -s $(COMPILED)/ready; fi
	$(BIN)/python -m tests.bench $(ARGS)

bench-detection: $(READY) ## method against method on simulated and real fleets; ARGS='--quick' for a small one
	$(BIN)/python -m tests.bench.detection $(ARGS)

gallery: $(READY) ## every message that there is, as a page to look at: build/gallery.html
	@mkdir -p build
	$(BIN)/python -m tests.unit.alerting.gallery build/gallery.html

wheel: $(READY) ## a wheel with the core compiled, in dist; takes a C compiler
	HATCH_BUILD_HOOKS_ENABLE=true $(BIN)/pip wheel -q --no-deps --no-build-isolation -w dist .

chaos: $(READY) ## what goes wrong, on a real Kafka; STORY=name, SEED=n, ROUNDS=10, ARGS='--list' for the stories
	$(BIN)/python -m tests.chaos $(STORY) $(if $(SEED),--seed $(SEED)) --rounds $(ROUNDS) $(ARGS)

fuzz: $(READY) ## whatever anybody can send, to a worker and a board on a real Kafka; MINUTES=10, SEED=n
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dashboards: $(READY) ## write deploy/grafana/dashboards anew, from the code beside it
	$(BIN)/python -m deploy.grafana

audit: $(READY) ## is a vulnerability known of what an installation holds? skips with a word where nobody can be asked
	@$(BIN)/python -m deploy.audit

sbom: $(READY) ## what an installation holds, with licences: build/sbom.json, as CycloneDX
	@mkdir -p build
	$(BIN)/python -m deploy.sbom > build/sbom.json

COMPILE := $(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-options

constraints: $(READY) ## resolve constraints.txt anew, the image's, and peers' of the benchmarks; UPGRADE=--upgrade takes newer versions
	$(COMPILE) --all-extras $(UPGRADE) -o constraints.txt pyproject.toml
	$(COMPILE) -c constraints.txt -o deploy/image/build.txt deploy/image/build.in
	$(COMPILE) --extra rocksdb -c constraints.txt -o deploy/image/run.txt pyproject.toml
	$(COMPILE) $(UPGRADE) -o tests/bench/quix.txt tests/bench/quix.in
	$(COMPILE) $(UPGRADE) -c constraints.txt -o tests/bench/detection/peers.txt tests/bench/detection/peers.in

clean: ## remove .venv and all caches
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist deploy/kafka/target tests/bench/kafka_streams/target

$(COMPILED)/ready: $(READY) deploy/compiled.py $(shell find schemas streams alerting -name '*.py')
	@echo 'Compiling the core into $(COMPILED) (a minute)'
	@rm -rf $(COMPILED) build/wheel
	@HATCH_BUILD_HOOKS_ENABLE=true $(BIN)/pip wheel -q --no-deps --no-build-isolation -w build/wheel .
	@$(BIN)/pip install -q --no-deps --target $(COMPILED) build/wheel/*.whl
	@touch $@

# The stamp is written last: an interrupted installation is taken up again. --no-deps, as the file names all of them: an
# older pip looks for the newest version of a package that is asked for with an extra, and then misses its pin.
$(READY): constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo 'slackwater needs Python 3.11 or later, and none is on the path.' \
	  'Install it, or say which one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo '$(PYTHON) cannot create virtual environments.' \
	  'On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo 'Installing into .venv (once; a minute or two)'
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
