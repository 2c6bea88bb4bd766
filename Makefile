# make demo: set up and run the method on a small real model, in the browser.  make test: set up and test.
# make breaks: plant the defects that the tests guard against, and see each of them caught.
# make slow: the tests that take minutes each; not part of make test.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo app test slow breaks check bench docs shots

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

demo: setup
	$(BIN)/anchorlab demo

app: setup
	$(BIN)/anchorlab app

test: setup
	@sh tests/chromium.sh
	@$(BIN)/python -m tests.model
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

slow: setup
	@sh tests/chromium.sh
	@$(BIN)/python -m tests.model
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

breaks: setup
	$(BIN)/python -m tests.breaks

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: setup
	for name in sampling judging store judge_card intervals; do $(BIN)/python bench/$$name.py || exit 1; done

docs: setup
	$(BIN)/python -m core.settings_docs

shots: setup
	@sh tests/chromium.sh
	$(BIN)/python -m tests.shots
