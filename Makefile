# The entry points of the project. `make help` lists them.
#
# Everything built is kept outside the work tree, under $(CACHE), and named by a hash of what it was built from:
# the second run is fast, and a checkout is never dirty.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export QC_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/queueconsumer
export PYTHONPATH := $(CURDIR)/operator:$(CURDIR)/consumer_image:$(CURDIR)/producer:$(CURDIR)
export PYTHONDONTWRITEBYTECODE := 1

PYTHON ?= python3
VENV := $(QC_CACHE)/venv-$(shell sha256sum requirements/dev.txt | cut -c1-16)
PY := $(VENV)/bin/python

.PHONY: help
help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: venv
venv: $(VENV)/.complete ## Install the locked Python dependencies into the cache

# Its name says what it was made from, so a lock file that is only newer, as in a fresh clone, is no reason to make it.
$(VENV)/.complete: | requirements/dev.txt
	@echo "==> Python dependencies -> $(VENV)"
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || apt-get install -y -qq python3-venv
	@rm -rf $(VENV) && mkdir -p $(QC_CACHE) && $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: lock
lock: ## Lock the dependencies again, with hashes and without index URLs
	@uvx=$(QC_CACHE)/uv; test -x $$uvx/bin/uv || ($(PYTHON) -m venv $$uvx && $$uvx/bin/pip install -q uv==0.13.9)
	@for extra in producer consumer operator dev; do \
	  $(QC_CACHE)/uv/bin/uv pip compile pyproject.toml --extra $$extra --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-emit-package queueconsumer --no-header -q \
	    -o requirements/$$extra.txt; done

.PHONY: generate
generate: venv ## Write again what follows from crds/, the chart's values and the code: copy, references, table
	@cp crds/*.yaml charts/queueconsumer-operator/files/
	@$(PY) docs/generate_api_reference.py
	@$(PY) docs/generate_chart_values.py
	@$(PY) docs/generate_metrics.py
	@$(PY) -m dashboards

.PHONY: packages
packages: ## Install the Debian packages that the cluster and the tests need, as far as they are missing (root)
	@$(PYTHON) -m devcluster packages

.PHONY: lint
lint: venv ## Check style, format, types and layers
	@echo "==> ruff"; $(PY) -m ruff check . && $(PY) -m ruff format --check -q .
	@echo "==> mypy"; $(PY) -m mypy
	@echo "==> import-linter"; $(VENV)/bin/lint-imports --no-logo

.PHONY: test
test: packages venv ## Run every test, on a real RabbitMQ and a real cluster that it brings up and takes down
	@$(PY) -m tests.with_cluster $(PY) -m $(if $(TESTS),pytest $(TESTS),tests.side_by_side) $(PYTEST_OPTIONS)

.PHONY: demo
# A cluster of somebody's own needs no packages here, unless images are built for it.
demo: $(if $(filter current,$(DEMO_CLUSTER)),$(if $(IMAGE_LOAD),packages),packages) venv ## Show the main job: a cluster, a broker, the operator, a shop on Black Friday, and a summary
	@$(PY) -m examples.demo $(DEMO_OPTIONS)

.PHONY: bench-react
bench-react: packages venv ## Measure the time from a confirmed message to the write of /scale (BENCH_OPTIONS=--trials=5)
	@$(PY) -m tests.with_cluster $(PY) -m bench.reaction $(BENCH_OPTIONS)

.PHONY: bench-decide
bench-decide: venv ## Measure what a decision costs in time and memory
	@$(PY) -m bench.decide $(BENCH_OPTIONS)

.PHONY: bench-reader
bench-reader: packages venv ## Measure what reading queues costs and how fresh it is, on both releases (BENCH_OPTIONS="--releases 4")
	@$(PY) -m bench.reader $(BENCH_OPTIONS)

.PHONY: bench-fleet
bench-fleet: packages venv ## Measure an operator with 1,000 and 10,000 QueueConsumers (BENCH_OPTIONS="--members 1000")
	@$(PY) -m bench.fleet $(BENCH_OPTIONS)

.PHONY: bench-scrape
bench-scrape: venv ## Measure what a scrape of /metrics costs, beside plain prometheus_client (BENCH_OPTIONS="--members 1000")
	@$(PY) -m bench.scrape $(BENCH_OPTIONS)

.PHONY: bench-page
bench-page: venv ## Measure what the live page costs and how soon it shows a change of replicas
	@$(PY) -m bench.page $(BENCH_OPTIONS)

.PHONY: bench-faults
bench-faults: packages venv ## Measure what is told of a queue during each fault, and how soon it is read again (BENCH_OPTIONS="--faults port")
	@$(PY) -m bench.faults $(BENCH_OPTIONS)

.PHONY: mutate
mutate: venv ## Change each line of what decides, and see whether a unit test notices (MUTATE_OPTIONS="behavior lag")
	@$(PY) -m tests.mutation $(MUTATE_OPTIONS)
