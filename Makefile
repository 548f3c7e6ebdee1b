# Every target builds the environment it needs first; python3 with venv, and make, are all that must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST_ARGS ?=
FUZZ_ARGS ?=

# One thread per process: the tests run in parallel already, and the order of floating-point sums stays fixed.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
# Warnings about a newer pip are no part of a build.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test fuzz coverage lint format docs bench performance speed networks clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## create .venv with pqc (editable) and the development tools

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## compile the handwritten-digits network and run it from its bytes
	$(BIN)/python examples/digits/demo.py

test: $(STAMP) ## run all tests
	$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

fuzz: $(STAMP) ## try 10000 wrong files and 10000 random networks, others every day (FUZZ_ARGS: see tests/nightly.py)
	$(BIN)/python tests/nightly.py --count 11000 --network-every 11 --seed $$(date +%Y%m%d) --keep build/fuzz $(FUZZ_ARGS)

coverage: $(STAMP) ## run all tests and require 90 % line coverage of the five core packages
	$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term $(PYTEST_ARGS)

lint: $(STAMP) ## ruff, pyright (strict) and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(STAMP) ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## build the documentation site into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(STAMP) ## run the benchmarks
	$(BIN)/python -m pytest benchmarks -o addopts= --benchmark-only $(PYTEST_ARGS)

performance: $(STAMP) ## measure cycles against the paper's and write docs/performance.md
	$(BIN)/python benchmarks/performance.py

speed: $(STAMP) ## measure the speed of the tool and write docs/speed.md
	$(BIN)/python benchmarks/speed.py

networks: $(STAMP) ## compile and run whole networks where docs/networks.md has none yet, and write it
	$(BIN)/python benchmarks/networks.py

clean: ## remove the environment and everything that was generated
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks \
		.coverage .coverage.* htmlcov examples/*/build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
