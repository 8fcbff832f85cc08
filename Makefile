# Bare `make` prints this help. Everything installs into .venv from hashed lock files.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip
export UV_PYTHON := $(CURDIR)/$(BIN)/python

CRASHES ?= 100
DOCUMENTS ?= 5000
CORPORA ?=
ONCE ?=

.PHONY: help setup dev demo run worker test test-slow check fix bench conformance core-alone laws messages lock

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Faitfoi needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Run: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv || { echo "The venv module is missing. On Debian or Ubuntu: apt install python3-venv"; exit 1; }

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

setup: .venv/.server ## Install the program: then it is .venv/bin/faitfoi
dev: .venv/.dev ## Install what the developers need too

lock: | $(BIN)/uv ## Write the hashed lock files anew from pyproject.toml
	@$(BIN)/uv lock --quiet --upgrade
	@$(BIN)/uv export --quiet --frozen --no-header --no-emit-project --no-dev --extra server --format requirements.txt -o requirements.lock
	@$(BIN)/uv export --quiet --frozen --no-header --no-emit-project --extra server --format requirements.txt -o requirements-dev.lock
	@$(BIN)/uv export --quiet --frozen --no-header --no-emit-project --extra server --group bench --format requirements.txt -o requirements-bench.lock
	@rm -f uv.lock
