# Two commands are all a newcomer needs: make serve, make test.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready-

.PHONY: setup serve test test-slow test-faults test-browser test-cluster lint screenshots bench bench-speed bench-learning bench-register bench-desk bench-retrain bench-scaling clean

setup: $(READY)dev

# Serving needs the run-time packages only; the stamps say which requirements are installed.
$(READY)run: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv || python3 -m venv .venv
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Fenban needs Python 3.11 or newer")'
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(READY)dev: $(READY)run requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

$(READY)cluster: $(READY)dev requirements-cluster.txt requirements-cluster-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-cluster-dev.txt
	touch $@

models/CURRENT: | $(READY)run
	$(BIN)/fenban train

serve: $(READY)run models/CURRENT
	$(BIN)/fenban serve

lint: $(READY)dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: $(READY)dev lint
	$(BIN)/pytest

# Seeded checks over every real complaint in ../shared/data, and the pages in a real browser.
test-slow: $(READY)dev
	$(BIN)/pytest -m slow tests/validity

# Processes killed at 200 random moments, and models switched under load.
test-faults: $(READY)dev
	$(BIN)/pytest -m slow -s tests/faults

test-browser: $(READY)dev
	$(BIN)/pytest tests/browser

# A Dask cluster of processes, some of them killed, and an S3 server.
test-cluster: $(READY)cluster
	$(BIN)/pytest tests/cluster

# The pictures in docs/screenshots, anew.
screenshots: $(READY)dev models/CURRENT
	$(BIN)/python -m tests.browser.screenshots

bench: $(READY)dev
	$(BIN)/python -m benchmarks.run

# Backlogs up to a million rows and requests under load, beside a plain script and a bare echo (half an hour).
bench-speed: $(READY)dev
	$(BIN)/python -m benchmarks.speed

# What an office's first labelled cases are worth (5 minutes), and how long retraining takes.
bench-learning: $(READY)dev
	$(BIN)/python -m benchmarks.learning_curve

bench-register: $(READY)dev
	$(BIN)/python -m benchmarks.register

# The queue in a browser, with 5,000 cases.
bench-desk: $(READY)dev models/CURRENT
	$(BIN)/python -m benchmarks.desk

bench-retrain: $(READY)dev
	$(BIN)/python -m benchmarks.retrain

bench-scaling: $(READY)cluster models/CURRENT
	$(BIN)/python -m benchmarks.scaling

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
