# Bare `make` prints this help. Everything installs into .venv from hashed lock files.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip
export UV_PYTHON := $(CURDIR)/$(BIN)/python

CRASHES ?= $(if $(CI),30,300)
DOCUMENTS_F ?= $(if $(CI),150,1000)
DOCUMENTS ?= 5000
DOCUMENTS_B ?= 400
SENT ?= $(if $(CI),200,2000)
LIVES ?= $(if $(CI),5,30)
CORPORA ?=
MUTANTS ?= $(if $(CI),500,5000)
MUTANTS_D ?= 300
FUZZ_S ?= $(if $(CI),60,600)
SEED ?= 1
ONCE ?=

PYTEST := $(BIN)/python -m pytest

.PHONY: help setup dev chromium demo run worker test test-slow test-faults check fix bench conformance fuzz mutate-dossier core-alone laws rules messages lock

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Faitfoi needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Run: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "The venv module is missing. On Debian or Ubuntu: apt install python3-venv"; exit 1; }

$(BIN)/uv: | $(BIN)/python
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9'

.venv/.server: requirements.lock pyproject.toml | $(BIN)/uv
	@echo "Installing Faitfoi into .venv…"
	@$(UV) install --quiet --require-hashes -r requirements.lock
	@$(UV) install --quiet --no-deps --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.server
	@$(UV) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.bench: requirements-bench.lock .venv/.dev
	@$(UV) install --quiet --require-hashes -r requirements-bench.lock
	@touch $@

.venv-core/.ready: requirements-core.lock pyproject.toml | $(BIN)/uv
	@$(PYTHON) -m venv --clear --without-pip .venv-core
	@UV_PYTHON=$(CURDIR)/.venv-core/bin/python $(UV) install --quiet --require-hashes -r requirements-core.lock
	@UV_PYTHON=$(CURDIR)/.venv-core/bin/python $(UV) install --quiet --no-deps --editable .
	@touch $@

setup: .venv/.server ## Install the program: then it is .venv/bin/faitfoi

dev: .venv/.dev

demo: setup ## Watch a batch go all the way, then browse it (ONCE=1: no pages; CORPORA=1: real PDFs too)
	@$(BIN)/faitfoi demo $(if $(ONCE),--once) $(if $(CORPORA),--corpora)

run: setup ## Serve the pages, with a worker, until Ctrl-C
	@$(BIN)/faitfoi run

worker: setup ## Run one more worker, until Ctrl-C
	@$(BIN)/faitfoi worker

# The browser tests say themselves why they are skipped when there is no browser.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the browser tests…"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	else echo "No Chromium: the browser tests will be skipped. To run them: sudo apt install chromium"; fi

test: dev chromium ## Run the fast tests
	@$(PYTEST) -m "not slow and not oracle" -n 2 --dist loadfile $(ARGS)

test-slow: dev ## Run the long tests (DOCUMENTS=5000 for memory, SENT=2000 for the proof, LIVES=30)
	@DOCUMENTS=$(DOCUMENTS) SENT=$(SENT) LIVES=$(LIVES) $(PYTEST) -m "slow and not faults" $(ARGS)

test-faults: dev ## Kill workers CRASHES=300 times over DOCUMENTS_F=1000 documents on all channels; the last line is JSON
	@mkdir -p build
	@rm -f build/faults.json
	@CRASHES=$(CRASHES) DOCUMENTS_F=$(DOCUMENTS_F) FAULTS_LINE=build/faults.json $(PYTEST) -m faults $(ARGS)
	@cat build/faults.json

check: dev ## Lint, types, laws and messages, in under a minute
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check || { echo "Some files are not formatted: make fix"; exit 1; }
	@mkdir -p build
	@$(BIN)/lint-imports --no-logo >build/laws.txt || { cat build/laws.txt; exit 1; }
	@$(BIN)/python tools/messages.py --check
	@$(BIN)/mypy

fix: dev ## Let ruff mend and format what it can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: .venv/.bench ## Time the hot path and the library against their peers, and DOCUMENTS_B=400 sent by workers
	@$(BIN)/python bench/hot_path.py $(ARGS)
	@$(BIN)/python bench/library.py
	@$(BIN)/python bench/seals.py
	@$(BIN)/python bench/journal.py
	@$(BIN)/python bench/verify.py
	@$(BIN)/python bench/archive.py
	@$(BIN)/python bench/smtp.py
	@$(BIN)/python bench/deliver.py $(DOCUMENTS_B)

conformance: dev ## Compare our rules with the official ones on MUTANTS=5000, then submit what we make to the official judges
	@$(BIN)/python tools/conformance.py --mutants $(MUTANTS) --seed $(SEED)
	@command -v java >/dev/null && command -v mvn >/dev/null || echo "Java or Maven is missing: veraPDF and Mustang are skipped. On Debian or Ubuntu: sudo apt install default-jdk-headless maven"
	@$(PYTEST) -m "oracle and not slow" -rs $(ARGS)

fuzz: dev ## Feed damaged and made-up files to the readers, rules and writers for FUZZ_S=600 seconds (SEED=1)
	@$(BIN)/python tools/fuzz.py --seconds $(FUZZ_S) --seed $(SEED)

mutate-dossier: dev ## Lie in MUTANTS_D=300 dossiers, and see that the script, the command and the page name the file that lies (SEED=1)
	@MUTANTS_D=$(MUTANTS_D) SEED=$(SEED) $(PYTEST) -m slow -s tests/slow/test_dossier_mutants.py $(ARGS)

core-alone: .venv-core/.ready ## Test the invoice library where the server's dependencies are not installed
	@.venv-core/bin/python tools/core_alone.py

laws: dev ## Check who may import whom
	@$(BIN)/lint-imports --no-logo

rules: dev ## Write docs/rules.md, the list of all rules, from the rules themselves
	@$(BIN)/python tools/rules_page.py

messages: dev ## Collect the texts to translate, and compile the French ones
	@$(BIN)/python tools/messages.py

lock: | $(BIN)/uv ## Write the hashed lock files anew from pyproject.toml
	@$(BIN)/uv lock --quiet --upgrade
	@$(BIN)/uv export --quiet --frozen --no-header --no-emit-project --no-dev --extra server --extra seal --format requirements.txt -o requirements.lock
	@$(BIN)/uv export --quiet --frozen --no-header --no-emit-project --extra server --extra seal --format requirements.txt -o requirements-dev.lock
	@$(BIN)/uv export --quiet --frozen --no-header --no-emit-project --extra server --extra seal --group bench --format requirements.txt -o requirements-bench.lock
	@$(BIN)/uv export --quiet --frozen --no-header --no-emit-project --no-dev --group core-test --format requirements.txt -o requirements-core.lock
	@rm -f uv.lock
