# Two commands matter: `make lab` to learn, `make test` for all that CI runs. GNU make 3.81, which macOS has, suffices.

.DEFAULT_GOAL := help
.PHONY: help lab doctor test test-lessons-browser lint bench evaluate notebooks book slides clean moved

VENV := .venv
PY := $(VENV)/bin/python
INSTALL := $(PY) -m pip --disable-pip-version-check install -c constraints.txt

# Which Python makes .venv: the first of these that runs and is new enough, CI's own foremost.
PYTHONS := $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3.14 python3 python)

# On Linux, PyPI's torch brings gigabytes of CUDA; PyTorch's own CPU index does not. Where that index cannot be reached,
# one retry and a short timeout leave the choice to pip's own configuration. `make lab GPU=1` takes the default build.
TORCH := $(VENV)/.torch$(if $(GPU),-gpu)
ifeq ($(shell uname -s),Linux)
CPU_INDEX := --extra-index-url https://download.pytorch.org/whl/cpu --retries 1 --timeout 10
endif

# Tests in two processes, which tests/conftest.py tells what must stay together. One process: `make test JOBS=0`.
JOBS := 2
SHARED := $(if $(filter-out 0,$(JOBS)),-n $(JOBS) --dist loadgroup --no-loadscope-reorder)

# The Python that .venv stands on may go (an upgrade), and the folder may move: then what was installed counts for nothing.
$(shell test -x $(PY) || rm -f $(VENV)/.torch $(VENV)/.torch-gpu)
ifneq ("$(shell cat $(VENV)/.place 2>/dev/null)","$(CURDIR)")
MOVED := moved
endif

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 28

lab: $(VENV)/.lab ## install once, copy the lessons to my_lessons/, open them (ARGS="--no-browser --port 9999", GPU=1)
	@$(PY) -m brainlab lab $(ARGS)

doctor: $(VENV)/.lab ## check this computer, and say how to mend what fails
	@$(PY) -m brainlab doctor

test: lint ## all that CI runs (JOBS=0: in one process)
	$(PY) -m pytest $(SHARED) $(ARGS)

test-lessons-browser: $(VENV)/.dev ## run every lesson in JupyterLab; pictures in build/lessons
	BRAINLAB_EVERY_LESSON=1 $(PY) -m pytest tests/browser/test_lessons.py $(ARGS)

lint: $(VENV)/.dev ## the checks that take seconds
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m pyright --pythonpath $(PY)
	$(PY) $(VENV)/bin/lint-imports

evaluate: $(VENV)/.bench ## who finds which lesions; ARGS=all for every source, and the README's tables
	$(PY) -m brainlab evaluate $(ARGS) --keep assets/evaluation.json
	$(PY) -m tests.benchmarks.record

bench: $(VENV)/.bench ## measure; `make -s bench` ends with one JSON object
	$(PY) -m tests.benchmarks $(ARGS)

notebooks: $(VENV)/.dev ## write notebooks/*.ipynb and build/instructor from notebooks/src
	$(PY) notebooks/generate.py

book: $(VENV)/.dev ## write the static book to build/book: every lesson executed, to read from a disk
	$(PY) -m book html

slides: $(VENV)/.dev ## write a lecture deck a lesson to build/slides
	$(PY) -m book slides

clean: ## remove what was installed and built; my_lessons/ stays
	rm -rf $(VENV) build brainlab.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(PY):
	@for p in $(PYTHONS); do \
	  if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$p" -V)"; \
	    "$$p" -m venv --clear $(VENV) && exit 0; \
	    rm -rf $(VENV); exit 1; \
	  fi; \
	done; \
	echo "brainlab needs Python 3.11 or newer, and no $(subst ",,$(PYTHONS)) here is." >&2; \
	echo "Install one from python.org/downloads, or name it: make lab PYTHON=/path/to/python3.12" >&2; exit 1

$(VENV)/.torch: | $(PY)
	$(INSTALL) torch $(CPU_INDEX) >&2
	@touch $@

$(VENV)/.torch-gpu: | $(PY)
	$(INSTALL) --force-reinstall torch >&2
	@touch $@ $(VENV)/.torch

$(VENV)/.lab: pyproject.toml constraints.txt $(TORCH) $(MOVED)
	$(INSTALL) -e . >&2
	@printf '%s\n' "$(CURDIR)" > $(VENV)/.place
	@touch $@

$(VENV)/.dev: $(VENV)/.lab
	$(INSTALL) -e '.[dev]' >&2
	@touch $@

$(VENV)/.bench: $(VENV)/.lab
	$(INSTALL) -e '.[bench]' >&2
	@touch $@
