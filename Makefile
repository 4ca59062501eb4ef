# Only Python 3.11 or newer is needed; `make help` says what each target does.

PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.flambeau-ready
TORCH  := 2.13.0

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help lab test check bench bench-memory test-gpu tutorials coverage-table frontend peers clean

help: ## Say what each target does
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -nE 's/^([a-z-]+):.*## (.*)/  make \1: \2/p' $(MAKEFILE_LIST)

lab: frontend ## Set everything up and open JupyterLab on the first tutorial
	@$(PY) -c 'from pathlib import Path; from flambeau.cli import open_lab; \
	  raise SystemExit(open_lab(Path(), "tutorials/00_start.ipynb"))'

test: peers ## Set everything up and run every check and test
	@$(MAKE) --no-print-directory check
	$(PY) hatch_build.py test
	$(PY) -m pytest

check: $(READY) ## Lint, formatting and types, of Python and TypeScript
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) hatch_build.py check

bench: peers ## Measure speed beside PyTorch and write benchmarks/RESULTS.md
	$(PY) benchmarks/bench.py
	$(PY) benchmarks/recording.py

bench-memory: peers ## Measure peak memory beside PyTorch and keep it in benchmarks/RESULTS.md
	$(PY) benchmarks/memory.py

test-gpu: frontend ## Run the tests that need a CUDA device (CUDA=12 or CUDA=13 installs CuPy)
	$(if $(CUDA),$(PY) -m pip install -q "cupy-cuda$(CUDA)x>=14,<15")
	$(PY) -m pytest -m gpu

tutorials: peers ## Run the tutorials anew and save their outputs
	$(PY) tutorials/refresh.py

coverage-table: ## Measure agreement with PyTorch anew and write docs/coverage.md
	@FLAMBEAU_WITH_TORCH=1 $(MAKE) --no-print-directory peers
	$(PY) -m tests.agreement.coverage

frontend: $(READY) ## Rebuild the views and the JupyterLab extension, if their sources changed
	@$(PY) hatch_build.py

# An environment that is already there is taken as it is and completed.
$(READY): pyproject.toml hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Flambeau needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(PY) || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing Flambeau and what it needs (a few minutes the first time)"
	@# The views are built by the target `frontend`, with this environment's Node.
	@FLAMBEAU_SKIP_FRONTEND=1 $(PY) -m pip install -q -e '.[dev]'
	@# A link in place of the installed copy: a rebuilt extension is seen at once.
	@cd lab_extension && "$(abspath $(VENV))/bin/jupyter-builder" develop --overwrite flambeau_lab >/dev/null 2>&1
	@touch $@

# PyTorch is what the operations are compared with; CuPy is asked (no GPU needed) whether it has
# every array function that is called. Both are large, so only where they were asked for.
peers: frontend
	@if [ "$(CI)" = true ] || [ "$(FLAMBEAU_WITH_TORCH)" = 1 ]; then \
	  $(PY) -c 'import sys; from importlib.util import find_spec as f; \
	    sys.exit(not (f("torch") and f("expecttest")))' \
	  || $(PY) -m pip install -q torch==$(TORCH) expecttest \
	  || echo "torch $(TORCH) cannot be installed: comparisons with PyTorch are skipped"; \
	  $(PY) -c 'import sys; from importlib.util import find_spec as f; sys.exit(not f("cupy"))' \
	  || $(PY) -m pip install -q "cupy-cuda12x>=14,<15" \
	  || echo "CuPy cannot be installed: what is asked of it is not checked"; fi

clean: ## Remove what was built and every cache (the environment stays)
	rm -rf build dist lab_extension/.built lab_extension/.test lab_extension/lib \
	  lab_extension/node_modules lab_extension/flambeau_lab/labextension \
	  widgets/flambeau_widgets/static .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find kernel widgets lab_extension tests benchmarks tutorials -name __pycache__ -prune \
	  -exec rm -rf {} + 2>/dev/null || true
