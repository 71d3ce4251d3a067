# Every target makes what it needs: a machine with make, bash and Python 3.11 or later is enough.
# PYTHON=python3.12 chooses the Python; ARGS=... goes to the command that a target runs.

SHELL := bash
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
WORKERS ?= 4
export PYTHON
RUN := .venv/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help install serve demo test lint format types proto contract bench torture check lock clean

help: ## List the targets
	@echo "make <target> [ARGS='...'] [PYTHON=python3.12]"
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 12

install: ## Install requirements.lock into ./.venv (other targets do it by themselves)
	@scripts/install

serve: install ## Run the server: make serve ARGS='--help'
	@.venv/bin/chamberlain serve $(ARGS)

demo: install ## See a whole story: a development chain, a server, and a task from post to settlement
	@.venv/bin/chamberlain demo $(ARGS)

# Much of the time a test waits for a chain or for a process.
test: install ## Run the tests, WORKERS at once: make test WORKERS=0 ARGS='tests/unit -k codec'
	@$(RUN) pytest --numprocesses $(WORKERS) $(ARGS)

lint: install ## Check style, and the direction of imports between packages
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@.venv/bin/lint-imports --no-logo

format: install ## Format code and contract
	@$(RUN) ruff check --fix --select I
	@$(RUN) ruff format
	@scripts/buf format --write proto

types: install ## Check the types
	@$(RUN) mypy

proto: install ## Generate the Python stubs from proto/
	@.venv/bin/python scripts/proto.py

contract: install ## Check that stubs are fresh, and style and compatibility of the contract
	@.venv/bin/python scripts/proto.py --check
	@scripts/buf lint
	@scripts/buf format proto --diff --exit-code
	@scripts/buf-breaking

bench: install ## Measure the performance promises: make bench ONLY=create_task
	@$(RUN) bench $(if $(ONLY),--only $(ONLY)) $(ARGS)

torture: install ## Kill, fork, lose and delay, and count what was executed: make torture ARGS='--seed 7'
	@GRPC_ENABLE_FORK_SUPPORT=false $(RUN) tests.torture $(ARGS) # see tests/conftest.py

check: ## Check everything, as CI does
	@.ci/run

lock: ## Resolve requirements.lock again: make lock ARGS=--upgrade
	@scripts/lock $(ARGS)

clean: ## Remove everything these targets made, except .data
	@rm -rf .venv .node build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
