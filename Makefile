# Names of what can be done; each target sets up what it needs. Python 3.11+ and make are enough.
PYTHON ?= python3
DOCUMENTS ?= ../shared/documents
FUZZ_SECONDS ?= 450
BIN := .venv/bin
IMPRINT := $(BIN)/imprint
export DOCUMENTS

.PHONY: help setup validate diff release verify fmt test fuzz mutate check bench docs clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

setup: .venv/ready ## a virtual environment with the tool at .venv/bin/imprint

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "imprint needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 3; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[develop]'
	@$(BIN)/python -m compileall -q cli/imprint
	@touch $@

validate: setup ## check the record (and its evidence, where the documents are at hand)
	@if [ -d "$(DOCUMENTS)" ]; then $(IMPRINT) validate . --documents "$(DOCUMENTS)"; else $(IMPRINT) validate .; fi

diff: setup ## what changed since the last release, and the version that it asks for
	@$(IMPRINT) diff --last-release .

release: setup ## validate, compare with the last release, build dist/<version>/
	@$(IMPRINT) release . $(foreach picture,$(sort $(wildcard docs/pictures/*.svg)),--picture $(picture))

verify: setup ## check every digest of dist/
	@$(IMPRINT) verify dist

fmt: setup ## canonical order, quoting and line ends
	@$(IMPRINT) fmt .

test: setup ## run the tests
	@$(BIN)/python -m pytest

fuzz: setup ## half an hour of what a fuzzer thinks of (FUZZ_SECONDS for each target)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	@for target in csv descriptor json rules; do $(BIN)/python tests/fuzz/run.py $$target -max_total_time=$(FUZZ_SECONDS) || exit 1; done

mutate: setup ## seed faults into the rules, list those that no test sees (EVERY=20: every 20th)
	@$(BIN)/python tests/mutate.py

check: setup ## lint, types, import layers, generated docs
	@$(BIN)/ruff check cli tests bench
	@$(BIN)/ruff format --check --quiet cli tests bench
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_layers.py tests/test_docs.py

bench: setup bench/.venv/ready ## speed and memory, as ratios against peers in the same run (ONLY=validate, diff or release)
	@$(BIN)/python -m compileall -q cli/imprint
	@$(BIN)/python bench/run.py $(if $(ONLY),--only $(ONLY))

bench/.venv/ready: bench/requirements.txt
	$(PYTHON) -m venv bench/.venv
	bench/.venv/bin/pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

docs: setup ## write the generated parts of docs/
	@$(BIN)/python docs/generate.py

clean: ## remove what was built
	rm -rf .venv bench/.venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
