# modelyard: everything that a fresh machine with Python 3.11+ and make needs. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp

.PHONY: help setup demo demo-loop check unit test pythons hostile lint format bench locks upgrade generate clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 17

setup: $(STAMP) ## the environment, in .venv

$(STAMP): requirements/bootstrap.txt requirements/dev.txt pyproject.toml
	@tools/setup $(PYTHON) $(VENV)
	@touch $@

demo: $(STAMP) ## the main job on real data: examples/flights, first turn
	@tools/demo

demo-loop: $(STAMP) ## the rest of the year: served, watched, trained again; under two minutes
	@tools/demo-loop

check: $(STAMP) ## format, lint, static checks, types, locks and generated files; writes nothing
	@tools/check

unit: $(STAMP) ## unit and contract tests; about a minute on 2 cores
	@tools/unit

test: $(STAMP) ## every check and every test
	@tools/test

pythons: $(STAMP) ## unit and contract tests under every other supported Python of this machine, minutes each
	@tools/pythons

hostile: $(STAMP) ## every template against hostile pull requests, minutes
	@tools/hostile

lint: $(STAMP) ## lint, static checks and types; writes nothing
	@tools/check lint static types

format: $(STAMP) ## format, and fix what the linter can fix
	@$(BIN)/ruff format $$(tools/check --paths)
	@$(BIN)/ruff check --fix $$(tools/check --paths)

bench: $(STAMP) ## every benchmark in full, hours; QUICK=1 for small sizes, minutes
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

locks: $(STAMP) ## resolve the lock files whose inputs changed; other pins stay
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python requirements/lock.py --write

upgrade: $(STAMP) ## resolve every lock file to the newest versions
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python requirements/lock.py --upgrade

generate: $(STAMP) ## write the generated files again
	@$(BIN)/python -m modelyard.generate --write

clean: ## remove the environment, caches and run folders
	@rm -rf $(VENV) .modelyard modelyard-run .mypy_cache .ruff_cache .pytest_cache .coverage*
