# Everything is installed into .venv; only Python 3.11 or later and make are needed. requirements-run.lock has the packages
# that the server needs, requirements.lock also those for tests and checks.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
RUN_READY := $(VENV)/.run-ready
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready
PYTEST_ARGS ?=
WORKERS ?= logical
BENCH_ARGS ?=
ROUNDS ?= $(if $(MINUTES),2,100)

.DEFAULT_GOAL := help
.PHONY: help setup run dev test clients soak storm fuzz fuzz-long fuzz-contract fuzz-flows bench bench-scale bench-start check lint format picture lock wheel clean

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-13s %s\n", $$1, $$2}'

setup: $(READY)  ## Create the virtual environment with all packages

$(RUN_READY): requirements-run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the server needs into $(VENV) ..."
	@$(INSTALL) -r requirements-run.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(READY): $(RUN_READY) requirements.lock
	@echo "Installing what tests and checks need into $(VENV) ..."
	@$(INSTALL) -r requirements.lock
	@touch $@

run: $(RUN_READY)  ## Serve the API on a SQLite store; prints the URL and a token
	@$(BIN)/flows serve

dev: $(RUN_READY)  ## Serve the API, and reload contract and code on each save
	@$(BIN)/flows dev

test: $(READY)  ## Run all tests on all cores (WORKERS=0 for one), or with PYTEST_ARGS those that it selects
ifdef PYTEST_ARGS
	@$(BIN)/python -m pytest $(PYTEST_ARGS)
else
	@$(BIN)/python -m pytest -m "not alone" --numprocesses $(WORKERS) --dist worksteal
	@$(BIN)/python -m pytest -m alone $$(grep -rl mark.alone tests --include='test_*.py')
endif

clients: $(READY)  ## Run the official Python clients of all releases against the server
	@$(BIN)/python -m pytest tests/client --all-clients $(PYTEST_ARGS)

soak: $(READY)  ## Load the server for MINUTES (15) with a fault every 20 s, on ENGINE (sqlite or postgresql)
	@$(BIN)/python -m pytest tests/e2e/test_endurance.py --minutes $(or $(MINUTES),15) -k $(or $(ENGINE),sqlite) -s $(PYTEST_ARGS)

storm: $(READY)  ## Cause faults under load for MINUTES (10) and kill ROUNDS (100) times, on each database or ENGINE, and look for losses
	@$(BIN)/python -m pytest tests/e2e/test_linearizability.py tests/e2e/test_kills.py tests/e2e/test_writers.py -s \
		--minutes $(or $(MINUTES),10) --rounds $(ROUNDS) --seed '$(SEED)' $(if $(ENGINE),-k '$(ENGINE)$(if $(filter sqlite,$(ENGINE)), or test_writers)') $(PYTEST_ARGS)

fuzz: $(READY)  ## Fuzz the server against the contract, with the same cases each time
	@$(BIN)/python -m pytest tests/fuzz $(PYTEST_ARGS)

fuzz-long: $(READY)  ## Fuzz for MINUTES (30) on each database (ENGINE for one), VERSIONS (2025.12,2026.8) at once on one store
	@$(BIN)/python -m tests.fuzz.campaign --minutes $(or $(MINUTES),30) --engine $(or $(ENGINE),both) $(if $(VERSIONS),--versions $(VERSIONS))

fuzz-contract: $(READY)  ## Edit the contract at random for MINUTES (20) on each ENGINE, and send requests to it
	@$(BIN)/python -m tests.fuzz.contracts --minutes $(or $(MINUTES),20) --engine $(or $(ENGINE),both)

fuzz-flows: $(READY)  ## Run random flows for MINUTES (10), and compare each challenge with a model of the rules
	@$(BIN)/python -m pytest tests/fuzz/test_flows_run.py --minutes $(or $(MINUTES),10) -s $(PYTEST_ARGS)

$(BENCH_READY): $(READY) bench/requirements.lock
	@echo "Installing what the server is compared with ..."
	@$(INSTALL) -r bench/requirements.lock
	@touch $@

bench: $(BENCH_READY)  ## Time the server and its peers, and write the figures (BENCH_ARGS="--rounds 3")
	@$(BIN)/python -m bench compare $(BENCH_ARGS)

bench-scale: $(BENCH_READY)  ## Time the server with up to a million flows and 256 connections
	@$(BIN)/python -m bench scale $(BENCH_ARGS)

bench-start: $(BENCH_READY)  ## Time the start, and report where the time goes
	@$(BIN)/python -m bench start

lint: $(READY)  ## Check style, types, imports and the contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/flows check

check: lint test  ## Run lint and test, as CI does

format: $(READY)  ## Format the code
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

picture: $(READY)  ## Redraw the diagrams of docs/architecture.md and the terminal session of README.md
	@$(BIN)/python -m tests.architecture.picture
	@$(BIN)/python -m tests.e2e.terminal

lock: $(READY)  ## Lock the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--upgrade --group dev --extra fuzz --extra opentelemetry pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--upgrade --group editable -c requirements.lock pyproject.toml -o requirements-run.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--upgrade --group bench -c requirements.lock pyproject.toml -o bench/requirements.lock

wheel: $(READY)  ## Build the wheel in dist/, without network access
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

clean:  ## Remove the virtual environment and the SQLite store
	rm -rf $(VENV) var dist
