# pairmill: `make` lists the targets. Each one sets up what it needs in .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH_INDEX ?=
LOCK   := --all-extras --universal --python-version 3.11 --fork-strategy fewest --no-emit-index-url
PIP    := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install install-test demo test test-fast test-slow test-gpu coverage lint format schema docs bench peers lock dist clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  \033[1mmake %-13s\033[0m %s\n", $$1, $$2}'

$(VENV)/.made: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON) here; install Python 3.11 or newer, or run: make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; run: make PYTHON=/path/to/python3"; exit 2; }
	@echo "installing pairmill into $(VENV) (some minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) pip==26.3 # where versions contradict one another, that of Debian 12 (23.0.1) never says so
	@$(PIP) $(TORCH_INDEX) torch
	@$(PIP) -e '.[all,demo]'
	@touch $@

$(VENV)/.made-test: $(VENV)/.made
	@$(PIP) -e '.[all,demo,test,docs]'
	@$(PIP) --no-deps litdata==0.2.76 mosaicml-streaming==0.13.0 spandrel==0.4.2 # the tests read our files with them; what they ask for would hold back or bring much else
	@touch $@

install: $(VENV)/.made ## Install pairmill into .venv

install-test: $(VENV)/.made-test

demo: $(VENV)/.made ## Make a corpus from bundled photos, verify it, replay some samples
	@$(BIN)/pairmill demo
	@$(BIN)/pairmill corpus verify demo
	@$(BIN)/pairmill corpus replay demo

test: $(VENV)/.made-test lint ## Lint, types, layers, and all tests that need no GPU and no patience
	@$(BIN)/python -m pytest -q -n 2

test-fast: $(VENV)/.made-test ## The tests that take a minute together
	@$(BIN)/python -m pytest -q -m fast

test-slow: $(VENV)/.made-test ## Tests that take minutes: accuracy on known kernels, kills, many images
	@$(BIN)/python -m pytest -q -m slow

test-gpu: $(VENV)/.made-test ## Tests that need a CUDA device
	@$(BIN)/python -m pytest -q -m gpu

coverage: $(VENV)/.made-test ## Which lines the tests of `make test` run; pages in build/coverage/html
	@mkdir -p build/coverage
	@$(PIP) -e '.[release]'
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -q -n 2 $(TESTS)
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage html -q
	@$(BIN)/python -m coverage report --format=total

lint: $(VENV)/.made-test ## Style, types and layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache 2>&1 | tail -n 12

format: $(VENV)/.made-test ## Format all code and texts
	@$(BIN)/ruff check -q --fix --select I .
	@$(BIN)/ruff format -q .
	@$(BIN)/python -m docs.generate.sentences

schema: $(VENV)/.made ## Write the JSON schemas of data/recipes from the schemas
	@$(BIN)/python -c 'from pairmill.pipeline.recipe.load import recipe_schema; print(recipe_schema(), end="")' > data/recipes/recipe.schema.json
	@$(BIN)/python -c 'from pairmill.pipeline.training.recipe import training_schema; print(training_schema(), end="")' > data/recipes/train/train.schema.json

docs: $(VENV)/.made-test ## Write the pages of the reference from the code, and build the site: build/site/index.html
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m docs.generate.site

bench: export OMP_NUM_THREADS=1
bench: export OPENBLAS_NUM_THREADS=1
bench: $(VENV)/.made-test ## Measure the speed goals; saves a table under benchmarks/results
	@$(BIN)/python -m benchmarks.run

peers: export OMP_NUM_THREADS=1
peers: export OPENBLAS_NUM_THREADS=1
peers: $(VENV)/.made-test ## Measure what people use instead on the same images; see benchmarks/results/peers.md
	@$(PIP) -e '.[peers]'
	@$(BIN)/python -m benchmarks.peers

lock: export UV_CUSTOM_COMPILE_COMMAND := make lock
lock: ## Resolve pyproject.toml anew: versions to constraints.txt, with hashes to requirements.lock (UPGRADE=--upgrade)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check 'uv>=0.9' # alone: constraints may contradict new bounds
	@$(BIN)/uv pip compile -q pyproject.toml $(LOCK) $(UPGRADE) --no-annotate -o constraints.txt
	@$(BIN)/uv pip compile -q pyproject.toml $(LOCK) -c constraints.txt --no-annotate --generate-hashes -o requirements.lock

dist: $(VENV)/.made-test ## Make the wheel and the source archive, in dist/
	@$(PIP) -e '.[release]'
	@$(BIN)/python -m build -q --outdir dist

clean: ## Remove what tests and demos made (not .venv)
	rm -rf data/stages data/corpora data/runs data/images data/tmp .pytest_cache .mypy_cache .ruff_cache .hypothesis
