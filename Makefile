# `make demo` and `make test` set up everything they need in .venv and then do their work.

PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
NATIVE := CMakeLists.txt $(shell find native -name '*.cpp' -o -name '*.h' -o -name '*.inc' 2>/dev/null)

# Debian packages that only tests need: `make system` installs them, `make test` never does.
SYSTEM_PACKAGES := clang gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm nodejs chromium chromium-driver

.PHONY: demo test check format sanitize arm bench bench-peers system clean help

help:
	@echo "make demo    set up .venv, train on a real series, show the forecast beside the baselines"
	@echo "make test    set up .venv, run every test (says what it skips, and why)"
	@echo "make check   format, lint, types"
	@echo "make sanitize    the native module under AddressSanitizer and UBSan"
	@echo "make arm         whether the native kernels compile for a 64-bit ARM"
	@echo "make bench   list the benchmark programs"
	@echo "make bench-peers   our layers against torch.nn, JAX and Keras, in an environment of its own"
	@echo "make system  Debian packages that only tests need (as root)"

# One environment; a stamp a part, so that the demo does not wait for what only tests need.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: pyproject.toml $(NATIVE) | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[all]"
	@touch $@

$(VENV)/.develop: pyproject.toml $(VENV)/.train
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[all,test,check]"
	@touch $@

demo: $(VENV)/.train
	$(BIN)/unrolled demo

# One thread a process: the tests run side by side, and a small network gains nothing from two.
test: $(VENV)/.develop
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

check: $(VENV)/.develop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.develop
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The native module under AddressSanitizer and UBSan, with the tests that reach it.
sanitize: $(VENV)/.develop
	.ci/sanitize $(ARGS)

# Whether the kernels build where there is neither AVX nor GCC: Clang, for a 64-bit ARM. It only compiles.
arm: $(VENV)/.develop
	@mkdir -p build/arm
	@for source in $$(find native/src -name '*.cpp' | sort); do echo $$source; \
	$(BIN)/python -m ziglang c++ -target aarch64-linux-gnu -std=c++17 -O2 -Wall -Wextra -Werror -ffp-contract=off \
	-fno-math-errno -DUNROLLED_TARGET=baseline -Inative/include -Inative/src -c $$source -o build/arm/object.o \
	|| exit 1; done

bench: $(VENV)/.train
	$(BIN)/python -m benchmarks

# Other libraries in an environment of their own: they are large, and nothing else needs them.
$(PEERS)/.ready: pyproject.toml $(NATIVE)
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -e ".[train,peers]"
	@touch $@

bench-peers: $(PEERS)/.ready
	$(PEERS)/bin/python -m benchmarks.kernels.peers $(ARGS)

system:
	@if [ -z "$(strip $(SYSTEM_PACKAGES))" ]; then echo "system: the tests need no system packages"; \
	else apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(SYSTEM_PACKAGES); fi

clean:
	rm -rf $(VENV) $(PEERS) .venv-sanitize build dist .pytest_cache .ruff_cache .mypy_cache
