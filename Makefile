# Each target can be run again at any time; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.9
TEST_WORKERS ?= 2
TESTS ?= tests/e2e
# tests/scheduling.py tells which files go together and which begin first.
SPREAD := --numprocesses=$(TEST_WORKERS) --dist=loadfile

.DEFAULT_GOAL := help
.PHONY: help install demo test test-real test-cluster check protos protos-land images lock bench clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(STAMP) ## Install Fairlead and its tools into .venv

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fairlead needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Installing into $(VENV) (about 1.5 GB; minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $(STAMP)

demo: $(STAMP) ## Take real data from upload to a served, watched model (BACKENDS=real: on the back ends that the environment names)
	@BACKENDS=$(BACKENDS) $(BIN)/python examples/demo.py

test: $(STAMP) ## Run all tests, those with real servers too, and print their coverage
	@scripts/test_servers.sh
	@$(BIN)/pytest tests/architecture tests/contract tests/unit $(SPREAD) --cov --cov-report=
	@$(BIN)/pytest tests/integration tests/e2e $(SPREAD) --cov --cov-append --cov-report=term --cov-fail-under=85

test-real: $(STAMP) ## Run the tests of the whole job (TESTS: some of them) on PostgreSQL, Kafka and S3 at once
	@scripts/test_servers.sh
	@FAIRLEAD_TEST_BACKENDS=real $(BIN)/pytest $(TESTS) $(SPREAD)

test-cluster: $(STAMP) ## Install the chart on the cluster that KUBECONFIG names and test it there (CLUSTER_LOAD hands it an image)
	@scripts/test_cluster.sh

check: $(STAMP) ## Lint, types, import rules, contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/generate_protos.py --check
	@$(BIN)/python scripts/settings_table.py --check
	@$(BIN)/python scripts/telemetry_table.py --check
	@$(BIN)/python -m scripts.observability --check
	@$(BIN)/python scripts/chart_docs.py --check
	@scripts/check_contracts.sh

protos: $(STAMP) ## Generate fairlead/api from protos/
	@$(BIN)/python scripts/generate_protos.py

protos-land: ## Make today's contracts the ones that must not be broken
	@scripts/check_contracts.sh land

images: ## Build the images of the services and the client, and print their sizes (REGISTRY, TAG, PYTHON_IMAGE)
	@scripts/images.sh

lock: $(STAMP) ## Resolve pyproject.toml into requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --group dev --generate-hashes --no-annotate --no-header -o requirements.lock pyproject.toml

bench: $(STAMP) ## Run the benchmarks
	@for file in benchmarks/[a-z]*.py benchmarks/[a-z]*/__main__.py; do \
	  name=$${file#benchmarks/}; name=$${name%/__main__.py}; name=$${name%.py}; \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

clean: ## Remove what was installed and built
	@rm -rf $(VENV) dist build node_modules .demo .coverage* .mypy_cache .ruff_cache .pytest_cache
