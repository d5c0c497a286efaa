# make run   set up, build the framework, run the milestones, open Module 01
# make test  set up and run the whole suite
# make bench measure speed against NumPy and PyTorch       make full  everything, real data included
# make lint  ruff and mypy                                  make clean  remove what these made

PYTHON ?= python3
VENV   := .venv
ifeq ($(OS),Windows_NT)
BIN    := $(VENV)/Scripts
else
BIN    := $(VENV)/bin
endif
STAMPS := $(VENV)/.stamps
SETUP  := pyproject.toml hatch_build.py
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYTHONUTF8 = 1

.PHONY: run test bench full lint check clean
.DEFAULT_GOAL := run

run: export TITO_NO_NEXT = 1
run: $(STAMPS)/run
	@$(BIN)/tito dev build
	@$(BIN)/tito milestone run all
	@$(BIN)/tito setup my-tinytorch
	@cd my-tinytorch && if [ -t 1 ]; then ../$(BIN)/tito module start 01; else ../$(BIN)/tito module start 01 --no-open; fi
	@echo
	@echo "Your workspace is my-tinytorch. Next, in this terminal:"
	@echo "  cd my-tinytorch && . ../$(BIN)/activate"
	@echo "Then:"
	@echo "  tito module start 01    opens the notebook"
	@echo "  tito module test 01     checks what you wrote and saved"
	@echo "  tito next               tells where you are, and what comes next"

test: lint
	@$(BIN)/tito dev build
	$(BIN)/ruff check -q --isolated --select F tinytorch
	$(BIN)/python -m pytest -n 2 --dist loadgroup
	$(BIN)/tito dev check

lint: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check tito tests milestones datasets benchmarks hatch_build.py
	$(BIN)/mypy

check: $(STAMPS)/dev
	$(BIN)/tito dev check

bench: export OMP_NUM_THREADS = 1
bench: export OPENBLAS_NUM_THREADS = 1
bench: export MKL_NUM_THREADS = 1
bench: $(STAMPS)/dev
	@$(BIN)/tito dev build
	$(BIN)/python benchmarks/run.py

full: test bench
	$(BIN)/python -m pytest -m real_data
	$(BIN)/tito dev mutants

$(STAMPS)/run: $(SETUP) | $(BIN)
	@echo "Setting up: JupyterLab, matplotlib and what tito needs, into $(VENV) (once, about a minute)"
	@$(BIN)/python -m pip install -e ".[notebook]"
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: $(SETUP) | $(BIN)
	$(BIN)/python -m pip install -q -e ".[dev]"
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

$(BIN):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "TinyTorch needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) tinytorch build dist .pytest_cache .mypy_cache .ruff_cache
