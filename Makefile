# Two commands: `make up` sets everything up and starts it; `make test` sets everything up and tests it.

PYTHON ?= python3
VENV ?= .venv
# CPU build of PyTorch. For an NVIDIA GPU: make up TORCH_INDEX=https://download.pytorch.org/whl/cu130
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Python compiles a module when it is first imported; of the packages that is the smaller part, and compiling all takes longer than the rest.
# Where Python may keep nothing of that, each start would compile it again, three times as slow as it need be: then all is compiled here.
QUIET := --quiet $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile) --progress-bar on
# The build of the package itself warns of what an editable installation may hide; that is meant for its developers.
EDITABLE := PYTHONWARNINGS=ignore $(PIP) install $(QUIET)

.PHONY: up install test check format messages bench clean help
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

up: install  ## Set up, then start Dagster (:3000) and the app (:7860); Ctrl-C stops both
	@exec $(BIN)/rag up

install: $(VENV)/.installed  ## Set up only

# One thread of numerics a process: more of them wait for each other, spinning. Of three tests one mostly waits for a browser or a server.
test: $(VENV)/.installed-dev  ## Set up, then run all tests
	@$(BIN)/python -m rag_pipeline_tests.ducklake || [ -z "$$CI" ]
	@$(BIN)/python -m rag_pipeline_tests.answering.generation.smollm2 || [ -z "$$CI" ]
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal

check: $(VENV)/.installed-dev  ## Lint, format check, types, architecture, house rules, Dagster's definitions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@VIRTUAL_ENV=$(abspath $(VENV)) DO_NOT_TRACK=1 DAGSTER_DISABLE_TELEMETRY=1 $(BIN)/dg check defs
	$(BIN)/python -m pytest -q rag_pipeline_tests/test_architecture.py rag_pipeline_tests/test_house.py

format: $(VENV)/.installed-dev  ## Let ruff mend what it can, write the README's list of formats
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m rag_pipeline_tests.readme_formats

messages: $(VENV)/.installed-dev  ## Bring ui/views/locale/*.po up to date with the sources (NEW=fr: begin a language)
	$(BIN)/python -m rag_pipeline_tests.ui.messages $(NEW)

bench: $(VENV)/.installed-dev  ## Measure beside peers and at scale (hours; QUICK=1: ten minutes), write docs/benchmarks.md
	TORCH_INDEX=$(TORCH_INDEX) $(BIN)/python bench/run_all.py $(if $(QUICK),--quick)

clean:  ## Remove the virtual environment (never your data)
	rm -rf $(VENV)

# The pip that comes with a Python may be years old: a new one takes half the processor time to find and unpack the same packages.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %s. Choose one: make up PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install $(QUIET) "$$(grep '^pip==' constraints.txt)"

# torch first and by itself: from another index it must not decide where the rest comes from.
$(VENV)/.torch: constraints.txt | $(VENV)/bin/python
	@echo "Installing PyTorch (about 200 MB) ..."
	$(PIP) install $(QUIET) --index-url $(TORCH_INDEX) --retries 1 --no-deps "$$(grep '^torch==' constraints.txt)"
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.torch
	@echo "Installing the rest (about 500 MB, a minute or two) ..."
	$(EDITABLE) --constraint constraints.txt --editable .
	@touch $@

# In one step, not after the other one: what is needed is looked up once.
$(VENV)/.installed-dev: pyproject.toml constraints.txt $(VENV)/.torch
	$(EDITABLE) --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/.installed $@
