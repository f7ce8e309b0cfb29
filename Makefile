# modelyard: everything that a fresh machine with Python 3.11+ and make needs. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp

.PHONY: help setup demo test lint bench locks generate clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: $(STAMP) ## the environment, in .venv

$(STAMP): requirements/bootstrap.txt requirements/dev.txt pyproject.toml
	@tools/setup $(PYTHON) $(VENV)
	@touch $@

demo: $(STAMP) ## the main job on real data: examples/flights, first turn
	@tools/demo

test: $(STAMP) ## every check and every test
	@tools/test

lint: $(STAMP) ## format, lint, types, import direction
	@$(BIN)/ruff format src tests benchmarks requirements examples tools actions
	@$(BIN)/ruff check --fix src tests benchmarks requirements examples tools actions
	@$(BIN)/mypy

bench: $(STAMP) ## the benchmarks, into benchmarks/RESULTS.md
	@$(BIN)/python benchmarks/start_up.py

locks: $(STAMP) ## resolve the lock files again
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python requirements/lock.py --write

generate: $(STAMP) ## write the generated files again
	@$(BIN)/python -m modelyard.generate --write

clean: ## remove the environment, caches and run folders
	@rm -rf $(VENV) .modelyard modelyard-run .mypy_cache .ruff_cache .pytest_cache
