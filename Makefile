# Every target sets up what it needs: Python 3.11 to 3.14 and make are enough.
PYTHON ?= python3
# Tests wait more than they compute: two processes run them, one test file at a time each.
TOGETHER ?= -n 2 --dist loadfile
VENV := .venv
BIN := $(VENV)/bin
# The environment of test-latest. Its other packages are the pinned ones. dagster-embedded-elt is left out: it
# pins dagster. TESTS= takes files or folders of tests; empty for all.
LATEST := .venv-latest
NEWEST := dagster dagster-webserver dagster-dlt dagster-postgres dagster-celery dagster-k8s
TESTS ?=
# The environment of `make dg`. ARGS= takes the arguments of dg.
DG := .venv-dg
ARGS ?= list defs
export RUNTIME__DLTHUB_TELEMETRY := false
export DAGSTER_DISABLE_TELEMETRY := yes

.PHONY: help demo dev test test-all conformance test-latest browser dg lint format cover bench audit sbom pins json-schema clean
.DEFAULT_GOAL := help

help:                         ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.runtime        ## all 60 assets from the sandbox into a DuckDB file, with all checks
	$(BIN)/analytics-sync demo

dev: $(VENV)/.runtime         ## the Dagster UI on the sandbox and the results of the demo
	$(BIN)/analytics-sync dev

test: $(VENV)/.dev lint       ## lint, then all tests but the longer suites
	$(BIN)/python -m pytest $(TOGETHER)

test-all: $(VENV)/.dev lint   ## lint, then all tests with the longer suites: faults, kills, schedules, histories
	$(BIN)/python -m pytest $(TOGETHER) -m ""

browser: $(VENV)/.dev         ## the tests of the UI in a browser; they need the program chromium (a Debian package)
	$(BIN)/python -m pytest -m "" analytics_sync_tests/browser

test-latest:                  ## the tests on the newest dagster and dagster-dlt, in .venv-latest; needs an index
	$(PYTHON) -m venv $(LATEST)
	$(LATEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-pip.txt
	$(LATEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	$(LATEST)/bin/python -m pip uninstall --quiet --yes dagster-embedded-elt dagster-sling
	$(LATEST)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade $(NEWEST)
	PYTHONWARNINGS=ignore $(LATEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(LATEST)/bin/python -m pip list --disable-pip-version-check | grep -E '^(dagster|dlt)'
	$(LATEST)/bin/python -m pytest $(TOGETHER) $(TESTS)

lint: $(VENV)/.dev            ## format, lint, spelling, types, import rules; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev          ## format all Python files and repair what ruff can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

cover: $(VENV)/.dev           ## the tests with their coverage of the package
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

conformance: $(VENV)/.dev     ## what a destination must do; SETTINGS=FILE names one of yours
	$(if $(SETTINGS),CONFORMANCE_SETTINGS=$(abspath $(SETTINGS))) $(BIN)/python -m pytest -m "" analytics_sync_tests/conformance

audit: $(VENV)/.audit         ## look for known vulnerabilities of the pinned versions
	@log=$(VENV)/audit.log; \
	$(BIN)/pip-audit --requirement requirements.txt --requirement requirements-pip.txt --require-hashes --disable-pip --strict \
		--vulnerability-service osv --progress-spinner off >$$log 2>&1; status=$$?; \
	if [ $$status -ne 0 ] && ! grep -q '^Found [0-9]' $$log && grep -qE $(UNREACHABLE) $$log; then \
		echo "not audited: the vulnerability database cannot be reached"; \
	else cat $$log; exit $$status; fi

sbom: $(VENV)/.audit          ## sbom.json (CycloneDX) of requirements.txt, without the network
	$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible -o sbom.json requirements.txt

# The end of pip-audit's log when no database answered. Any other failure is one.
UNREACHABLE := 'ConnectionError|ServiceError|Timeout|HTTPError|SSLError|ProxyError|JSONDecodeError|Could not connect'

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and "Python 3.11 to 3.14 is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

# The pip that comes with Python installs its own successor and nothing else.
$(VENV)/.pip: requirements-pip.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-pip.txt
	touch $@

$(VENV)/.runtime: requirements.txt pyproject.toml $(VENV)/.pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	touch $@

$(VENV)/.audit: requirements-audit.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-audit.txt
	touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.txt
	touch $@

pins:                         ## compile the requirements files from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra postgres pyproject.toml requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra postgres --extra mariadb --extra redis --extra dagster-postgres --extra celery --extra kubernetes --extra dev pyproject.toml requirements.in -c requirements.txt -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra postgres --extra mariadb --extra redis --extra dagster-postgres --extra celery --extra kubernetes pyproject.toml requirements.in -c requirements.txt -c requirements-dev.txt -o requirements-deploy.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra audit pyproject.toml requirements.in -c requirements.txt -c requirements-dev.txt -o requirements-audit.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-pip.in -c requirements-audit.txt -o requirements-pip.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra bench pyproject.toml requirements.in -c requirements.txt -o requirements-bench.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra postgres --extra dg pyproject.toml requirements.in -o requirements-dg.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate benchmarks/harness/requirements-airbyte.in -c requirements.txt -o benchmarks/harness/requirements-airbyte.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate benchmarks/harness/requirements-singer.in -c requirements.txt -o benchmarks/harness/requirements-singer.txt

dg: $(DG)/.done                ## Dagster's dg in .venv-dg: make dg ARGS="list defs"
	VIRTUAL_ENV=$(CURDIR)/$(DG) PATH=$(CURDIR)/$(DG)/bin:$$PATH $(DG)/bin/dg $(ARGS)

# dg needs another tomlkit than the pins of the other files, so it has an environment of its own.
$(DG)/.done: requirements-dg.txt requirements-pip.txt pyproject.toml
	$(PYTHON) -m venv $(DG)
	$(DG)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-pip.txt
	$(DG)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dg.txt
	PYTHONWARNINGS=ignore $(DG)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

json-schema: $(VENV)/.runtime ## renew the JSON Schema of catalog files, after a change of their keys
	$(BIN)/analytics-sync json-schema --out analytics_sync/sources/catalog.schema.json

bench: $(VENV)/.bench         ## benchmarks of this package and others, side by side; results in .bench/
	$(BIN)/python -m benchmarks

clean:                        ## remove the folder of the demo
	rm -rf .demo
