# Every target installs what it needs; only Python >= 3.11, make and git must be there.

# A candidate must run: a shim for a version that is not installed is found too.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  $$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
  2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PY := $(BIN)/python

# 100 % of the branches of these, by their own tests alone; `make cov` reports on the
# rest, too.  Where lines are counted a test takes up to twice as long.
CORE := $(addprefix --cov=utd_stream/,errors machines snapshots reactive wire)
CORE_TESTS := $(addprefix tests/,machines snapshots reactive wire models test_errors.py)

# Long walks prove laws, not lines.  They have a process of their own, for the rest
# waits for LiveKit most of its time.
WALKS := $(addprefix tests/testing/test_,walks.py faults.py scripts.py grids.py \
  messages.py) tests/machines/test_mutants.py
TWO := --numprocesses=2 --maxschedchunk=1

.DEFAULT_GOAL := help
.PHONY: help install format lint types docs test conformance cov props mutants states \
  fuzz explore pages notebooks wheel-types livekit demo demo-livekit bench bench-long siege check clean

help:  ## print this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.venv/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or later that runs (with venv and" \
	  "ensurepip) was found; say make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "installing the package and every tool into .venv: some minutes, once" >&2
	test -x $(PY) && $(PY) -c '' || $(PYTHON) -m venv --clear .venv
	$(PY) -m pip install --editable '.[dev]'
	@touch $@

install: .venv/installed  ## make .venv with the package and every tool

format: install  ## rewrite the code in the house format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lint: install  ## ruff, format included
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: install  ## mypy and pyright, strict
	$(BIN)/mypy
	$(BIN)/pyright

docs: install  ## every public name has its docstring
	$(BIN)/interrogate --verbose --omit-covered-files utd_stream

# Tests which need a server say themselves, and fail under CI, when there is none.
test: install  ## all tests, and full branch coverage of the core
	-@$(MAKE) --no-print-directory livekit
	$(BIN)/pytest -p no:cacheprovider $(WALKS) > .walks.log 2>&1 & walks=$$!; \
	  trap 'kill $$walks 2> /dev/null' EXIT; trap 'exit 130' INT TERM; \
	  $(BIN)/pytest $(TWO) $(addprefix --ignore=,$(WALKS) $(CORE_TESTS)); rest=$$?; \
	  $(BIN)/pytest $(TWO) $(addprefix --ignore=,$(WALKS)) $(CORE_TESTS) \
	    $(CORE) --cov-report=term:skip-covered --cov-fail-under=100; core=$$?; \
	  wait $$walks; walked=$$?; cat .walks.log; exit $$((rest | core | walked))

conformance: install livekit  ## what the loopback and LiveKit do, side by side
	$(BIN)/pytest --conformance tests/contract tests/conformance

cov: install livekit  ## what the tests leave out, module by module
	$(BIN)/pytest --numprocesses=3 --maxschedchunk=1 --cov -o asyncio_debug=true

props: install  ## the properties, 2,000 examples each, and 5,000 faulty rooms
	$(BIN)/pytest -m hypothesis --hypothesis-profile=thorough \
	  --numprocesses=2 --maxschedchunk=1 -o faulthandler_timeout=0

mutants: install  ## bend each row of each machine: does a test notice?
	$(PY) -m tests.machines.mutants

fuzz: install  ## 10,000 requests of each role against the served OpenAPI
	$(PY) -m tests.fuzz

explore: install  ## every reachable state of calls, and each planted fault's trace
	$(PY) -m tests.explore

states: install  ## write utd_stream/machines/STATES.md
	$(PY) -m utd_stream.machines > utd_stream/machines/STATES.md

pages: install  ## write docs/reference
	$(PY) -m tests.pages

notebooks: install  ## run every notebook from top to bottom
	$(BIN)/pytest --nbmake --nbmake-timeout=60 notebooks

wheel-types: install  ## pyright knows every public type of the wheel
	$(PY) -m tests.wheel_types

livekit: install  ## find the LiveKit server, or build it into .livekit
	@$(PY) -m utd_stream.adapters.livekit_binary

demo: install  ## an audio room, end to end, in one process
	$(BIN)/utd-stream demo

demo-livekit: install livekit  ## the same on a real LiveKit server
	$(BIN)/utd-stream demo --livekit

bench: install livekit  ## the figures, beside the bare libraries
	$(PY) -m tests.bench

bench-long: install  ## what takes longer: 10,000 sessions, 200,000 rooms that end
	$(PY) -m tests.bench --long

siege: install  ## attack an engine: how it serves meanwhile, what it holds and logs
	$(PY) -m tests.bench.siege

check: lint types docs wheel-types notebooks  ## lint, types, docstrings, notebooks, a short fuzz
	$(PY) -m utd_stream.machines | diff utd_stream/machines/STATES.md -
	$(PY) -m tests.pages --check
	$(PY) -m tests.fuzz --requests 140
	@$(BIN)/nbstripout --verify notebooks/*.ipynb || { echo "committed without" \
	  "output: $(BIN)/nbstripout notebooks/*.ipynb" >&2; exit 1; }

clean:  ## remove everything that make made, LiveKit's server too
	rm -rf .venv .livekit .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage \
	  .walks.log
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
