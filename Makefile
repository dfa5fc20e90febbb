# Every target does all of its own set-up: a machine needs Python 3.11 or newer and make, nothing else.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo demo-real test lint typecheck bench docs stress sabotage clean
.DEFAULT_GOAL := test

# One stamp a set of packages: made again when pyproject.toml changes.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "supportkit needs Python 3.11 or newer: make PYTHON=/path/to/python ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/base.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[cli]'
	@touch $@

$(VENV)/test.stamp: $(VENV)/base.stamp
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(VENV)/check.stamp: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --group lint --group typing
	@touch $@

$(VENV)/docs.stamp: $(VENV)/base.stamp
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

$(VENV)/bench.stamp: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

demo: $(VENV)/base.stamp
	$(BIN)/supportkit demo

demo-real: $(VENV)/test.stamp
	$(BIN)/python examples/real_reports.py $(or $(DATA),../shared/data) $(or $(OUT),build/reports)

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m 'not stress' --numprocesses 4 --dist loadgroup $(ARGS)

stress: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m stress $(ARGS)
	$(BIN)/python -m bench.sabotage

sabotage: $(VENV)/test.stamp
	$(BIN)/python -m bench.sabotage $(ARGS)

lint: $(VENV)/check.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(VENV)/check.stamp
	$(BIN)/mypy

docs: $(VENV)/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/bench.stamp
	$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
