# Everything a clean clone needs is Python 3.11-3.14 (with venv) and make.  `make help` lists the targets.
# Install once per change of the lock: the stamp file .venv/.installed remembers.

BIN   := .venv/bin
STAMP := .venv/.installed
# The newest Python for which every locked package has a wheel; override with `make PYTHON=...`.
PYTHON ?= $(firstword $(foreach p,python3.14 python3.13 python3.12 python3.11 python3,$(if $(shell \
	$(p) -c 'import sys; print((3, 11) <= sys.version_info[:2] <= (3, 14) or "")' 2>/dev/null),$(p))))

.PHONY: help install test check browser demo soak bench bench-classification bench-peers format lock clean
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(STAMP) ## .venv with the locked packages and this project

# --require-hashes: what is installed is what was locked.  The project itself is built by the locked
# setuptools (hence no build isolation), so nothing outside the lock is ever downloaded.
$(STAMP): requirements.lock setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "Keyong needs Python 3.11, 3.12, 3.13 or 3.14: install one (Debian: apt install \
	python3 python3-venv), or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) comes without venv: install it \
	(Debian, Ubuntu: apt install python3-venv), then run make again"; exit 1; }
	@rm -f $(STAMP)
	@echo "Installing the locked packages into .venv (about 1.3 GB, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

check: $(STAMP) ## style, types, import order
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Tests that start Ray come last and alone: two clusters at once would starve two cores.
test: check browser ## check, then every test but the long loops (up to 10 minutes on two cores)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak and not ray"
	$(BIN)/python -m pytest -m "ray and not soak"

# A real browser for the test of the monthly report; where it may not be installed, that test skips by name.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	{ echo "Installing chromium and Chinese fonts for the tests ..."; apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk \
	poppler-utils >/dev/null; }; } || echo "No chromium here: the test of the report's page is skipped"

demo: $(STAMP) ## the whole story on real hospital data, about a minute
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

soak: $(STAMP) ## the long loops: kills, races, distributions
	$(BIN)/python -m pytest -m soak

bench: $(STAMP) ## speed against the floor (benchmarks/README.md)
	$(BIN)/python -m benchmarks

bench-classification: $(STAMP) ## classification of the labelled sets, and its speed
	$(BIN)/python -m benchmarks.classification --speed

bench-peers: $(STAMP) ## error beside other libraries at equal epsilon (downloads them)
	$(BIN)/python -m benchmarks.peers

format: $(STAMP) ## let ruff lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP) ## write requirements.lock anew from setup.cfg, newest versions it allows
	@$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --upgrade --universal --generate-hashes --python-version 3.11 --extra dev \
		--custom-compile-command "make lock" --quiet --output-file requirements.lock setup.cfg

clean: ## remove what make made
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis demo-workspace
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
