.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ON_CLUSTER := eval "$$(hack/cluster/env.sh)" &&

include hack/cluster/cluster.mk

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Headgate needs Python 3.11 or newer: $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "the venv module is missing: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

.PHONY: venv
venv: $(READY) ## the Python environment, with headgate and kubectl-headgate in .venv/bin

.PHONY: crds
crds: $(READY) ## generate crds/ and the chart's copy from the models
	@$(BIN)/python -m headgate.api.crd

.PHONY: lint
lint: $(READY) ## ruff, mypy --strict, import rules
	@$(BIN)/ruff check operator tests hack examples
	@$(BIN)/ruff format --check operator tests hack examples
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | tail -4

.PHONY: docs
docs: $(READY) ## generate what is made from code in the documentation, and build the site into build/site
	@PYTHONPATH=hack $(BIN)/python -m metrics && PYTHONPATH=hack $(BIN)/python -m chart.readme && PYTHONPATH=hack $(BIN)/python -m docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@PYTHONPATH=hack $(BIN)/python -m docs.foreign build/site

.PHONY: check
check: lint ## the quick part of the tests: no cluster, no root, under 2 minutes
	@$(BIN)/pytest -q -n auto -m 'not cluster and not e2e and not simulation and not statistics'

.PHONY: test
test: lint ## everything: on a real cluster with a real gateway, Prometheus and traffic
	@hack/test.sh

.PHONY: demo
demo: $(READY) ## watch three versions: one goes live, two are taken back
	@hack/demo/run.sh v2 v3 v4

.PHONY: demo-all
demo-all: $(READY) ## all eight versions, under 20 minutes
	@hack/demo/run.sh v2 v3 v4 v4-shadow v5 v6 v7 v8 v9

.PHONY: test-long
test-long: $(READY) ## the tests that make test leaves out, because shorter ones show the same
	@hack/cluster/up.sh
	@$(ON_CLUSTER) hack/cluster/install.sh && $(BIN)/pytest -q -m long

.PHONY: soak-simulated
soak-simulated: $(READY) ## 50 models roll for 24 hours of virtual time, SOAK_HOURS; fails if anything grows
	@$(BIN)/python -m tests.simulation.soak --hours $(or $(SOAK_HOURS),24)

.PHONY: soak
soak: soak-simulated ## soak-simulated, then 50 models roll for SOAK_MINUTES (60) under load; fails if anything grows
	@hack/soak/run.sh

.PHONY: bench-statistics
bench-statistics: $(READY) ## the judge and other rules on simulated noise: writes docs/statistics/results.md (BENCH="--runs 40 ..." for less)
	@nice $(BIN)/python -m tests.statistics.tables $(BENCH)
