# Every target makes and uses .venv by itself; Python 3.11 or newer and pip are all it needs.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
unexport PYTHONDONTWRITEBYTECODE
# More than cores: many tests wait for processes.
PYTEST_WORKERS ?= 6
# Workers that the proof stops amid their work.
STOPS ?= 50

.PHONY: demo up test prepared lint docs reference proof bench clean lock

demo: $(VENV)/installed
	@$(BIN)/lockstep demo $(if $(STAY),--stay)

up: $(VENV)/installed
	@exec $(BIN)/lockstep up

# Whole files to a process: counters of what was reached add up within a file. They begin in the order of
# tests/harness/order.py, not by how many tests they have. Examples are the same each time; `make proof` looks for others.
test: $(VENV)/installed-dev
	@$(MAKE) --no-print-directory -j2 lint prepared
	@folder=$$($(BIN)/python tests/harness/memory_folder.py); trap 'rm -rf "$$folder"' EXIT; trap 'exit 130' INT TERM; \
	export TMPDIR="$${folder:-$${TMPDIR:-/tmp}}"; \
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder --hypothesis-profile=ci

# Every process of the tests reads all of their files; compiled once, beside the linters, that takes half as long.
prepared: $(VENV)/installed-dev
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null || $(BIN)/python -m pytest --collect-only -qq

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The site, from docs/ by zensical.toml; a link or an anchor that leads nowhere ends it.
docs: $(VENV)/installed-dev
	$(BIN)/zensical build --strict --clean
	@echo "The site is in build/site: open build/site/index.html"

# Pages and tables of docs/ that are made of the code: settings, lockstep.toml, commands, Python, metrics, errors.
reference: $(VENV)/installed-dev
	$(BIN)/python proof/reference.py

# The proof of both engines and of the Notion side at full size: histories, crashes, killed processes, virtual hours,
# planted bugs, workers stopped under load. Hours.
proof: $(VENV)/installed-dev
	$(BIN)/python proof/proof.py $(PROOF)
	LOCKSTEP_NOTION_VALUES=200 LOCKSTEP_SOAK_SEEDS=40 $(BIN)/python -m pytest --timeout 7200 \
		tests/tasks/services/notion/test_round_trips.py tests/tasks/services/notion/test_formatted_texts.py tests/tasks/services/notion/test_soak.py
	$(BIN)/python proof/notion_mutants.py
	LOCKSTEP_EXAMPLES=2000 $(BIN)/python -m pytest --timeout 7200 tests/tasks/policies
	$(BIN)/python proof/policy_mutants.py
	$(BIN)/python proof/poll_mutants.py
	$(BIN)/python proof/reference_mutants.py
	$(BIN)/python proof/write_mutants.py
	$(BIN)/python proof/step_mutants.py
	$(BIN)/python proof/operator_mutants.py
	LOCKSTEP_NODE_WORLDS=1700 LOCKSTEP_NODE_HISTORIES=25 LOCKSTEP_NODE_PROCESS_STEPS=150 LOCKSTEP_NODE_FUZZ=1500 \
		LOCKSTEP_NODE_COLUMNS=100 $(BIN)/python -m pytest --timeout 3600 tests/tasks/database/test_simulator.py \
		tests/tasks/database/test_simulated_cascades.py tests/tasks/database/sql/test_histories.py \
		tests/tasks/database/sql/test_cascade_histories.py tests/tasks/database/sql/test_trigger_histories.py \
		tests/tasks/database/sql/test_process_histories.py \
		tests/tasks/database/sql/test_openapi.py tests/tasks/database/sql/test_columns.py
	$(BIN)/python proof/node_mutants.py
	LOCKSTEP_STOPS=$(STOPS) $(BIN)/python -m pytest --timeout 7200 tests/worker/pool/test_stops_under_load.py

bench: $(VENV)/installed-dev
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .lockstep .cache build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# Newest versions within pyproject.toml's bounds, for all platforms, without an index address.
lock: $(VENV)/made
	$(PIP) install uv
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header bench/ultimate/requirements.in -o bench/ultimate/requirements.txt
	$(BIN)/uv pip compile --no-deps --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header bench/two_nodes/spire-requirements.in -o bench/two_nodes/spire-requirements.txt

$(VENV)/made:
	@python="$(PYTHON)"; "$${python:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "make: Python 3.11 or newer is needed; $${python:-python3} is" \
			"$$("$${python:-python3}" --version 2>/dev/null || echo not to be had)." \
			"Say where a newer one is: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made requirements.txt pyproject.toml
	@echo "Installing Lockstep into $(VENV) (once)"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
