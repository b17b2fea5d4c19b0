# Every target does its own set-up. `make demo`, `make test`: nothing else is needed first.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
PHOTOS ?=
OUT ?= out/demo

# The tests start hundreds of processes: each would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test check fix bench figures soak migration assets lock clean

## setup: the serving environment (no torch) in .venv
setup: .venv/.serve

.venv/.uv:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

.venv/.serve: .venv/.uv requirements/serve.txt pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/serve.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

.venv/.all: .venv/.serve requirements/all.txt
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements/all.txt
	touch $@

## demo: photos in, tagged photos and a report out; PHOTOS=dir for your own, else a simulated patrol
demo: .venv/.serve
ifeq ($(PHOTOS),)
	@echo "No PHOTOS=dir given: this demo runs on a SIMULATED patrol, rendered here."
	$(BIN)/streetsight sample out/simulated-patrol --frames 24
	$(BIN)/streetsight detect out/simulated-patrol/frames --output $(OUT) --annotated --report
else
	$(BIN)/streetsight detect "$(PHOTOS)" --output $(OUT) --annotated --report || [ $$? -eq 1 ]  # 1: some photos were not readable
endif
	@echo "Look at $(OUT)/report.html"

## test: everything, with the extras for training and for clusters
test: .venv/.all
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile $(ARGS)

## check: format, lint, types
check: .venv/.all
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: .venv/.all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

## bench: speed and memory as ratios against named alternatives
bench: .venv/.all
	$(BIN)/python -m benchmarks $(ARGS)

## figures: what was measured, into the READMEs
figures: .venv/.all
	$(BIN)/python docs/figures.py
	$(BIN)/python docs/matrix.py
	$(BIN)/python docs/settings.py
	$(BIN)/python docs/permissions.py
	$(BIN)/python docs/scale.py

## soak: the fault tests of the service, ten times as long as in CI
soak: .venv/.all
	SOAK=10 $(BIN)/python -m pytest --timeout=0 tests/integration/service $(ARGS)

## migration: from the newest version of the database to what the tables say; NAME="Candidates"
migration: .venv/.all
	$(BIN)/python -m streetsight.service.store.new_migration "$(NAME)"

## assets: the pages' libraries, from npm into service/pages/static/vendor; committed, so nobody else needs npm
assets:
	cd service/pages/npm && npm ci --silent && node build.mjs; rm -rf node_modules

## lock: pin what pyproject.toml asks for, with hashes and without index addresses
lock: .venv/.uv
	$(UV) pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-annotate \
		--constraints requirements/limits.in pyproject.toml --output-file requirements/serve.txt
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--extra cluster --extra train --group dev --constraints requirements/serve.txt \
		pyproject.toml --output-file requirements/all.txt

clean:
	rm -rf .venv out build dist *.egg-info
