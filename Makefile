# The commands of the README. Each makes what it needs in .venv and does nothing twice.

PIP := .venv/bin/python -m pip --disable-pip-version-check install --quiet

.PHONY: audit demo lint lock test test-all
.DELETE_ON_ERROR:

demo: .venv/base.stamp ## speed up the bundled videos: a street, and a person who rests between walks
	mkdir -p demo-output
	.venv/bin/speediness speedup examples/bikes.mp4 --rate 2 -o demo-output/bikes-2x.mp4 --force
	.venv/bin/speediness speedup examples/rests.mp4 --rate 2 -o demo-output/rests-2x.mp4 --force

lint: .venv/dev.stamp ## style and types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/pyright --project . # else a file of settings in a folder above counts

test: .venv/dev.stamp ## the fast tests, on all cores
	.venv/bin/pytest -m "not slow" --numprocesses auto --dist loadfile

# One thread a process: two processes of several threads wait for each other.
test-all: export OMP_NUM_THREADS = 1
test-all: lint ## style, types and every test
	.venv/bin/pytest -m "not clock" --numprocesses auto --dist loadfile
	.venv/bin/pytest -m clock --numprocesses 1 --reruns 1

audit: .venv/dev.stamp ## known holes in the pinned versions (fails where nobody can say), and the weights as they were published
	$(PIP) --constraint release/constraints.txt pip-audit==2.10.1
	.venv/bin/pip-audit --strict --no-deps --disable-pip --requirement release/constraints.txt
	cd src/speediness && sha256sum --check --quiet weights/SHA256SUMS

# What comes after the + of a version says how a wheel was built: 2.13.0 is content with 2.13.0+cpu.
lock: .venv/bin/python ## the versions of what dev installs, as they are here, into release/constraints.txt
	.venv/bin/python scripts/lock.py > release/constraints.new
	mv release/constraints.new release/constraints.txt

.venv/base.stamp: .venv/bin/python pyproject.toml
	@echo "installing the base package into .venv (345 MB, no torch)"
	$(PIP) --no-compile --editable .
	@touch $@

# torch first and alone: asked for by name pip takes a CPU build where it is told of one,
# and what follows is content with any 2.13.0.
.venv/dev.stamp: .venv/bin/python pyproject.toml release/constraints.txt
	@echo "installing the package with torch and the test tools into .venv (about 1.5 GB)"
	$(PIP) --constraint release/constraints.txt torch
	$(PIP) --constraint release/constraints.txt --editable ".[dev]"
	@touch $@ .venv/base.stamp

# Python 3.11 puts setuptools there, which nothing of the base package needs.
.venv/bin/python:
	@for python in python3.11 python3.12 python3.13 python3; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			$$python -m venv .venv && .venv/bin/python -m pip --quiet --quiet uninstall --yes setuptools && exit 0; \
			rm -rf .venv; \
			echo "$$python cannot make a virtual environment; on Debian or Ubuntu: apt install $$python-venv" >&2; \
			exit 1; \
		fi; \
	done; \
	echo "Python 3.11 or newer is needed and was not found; install it and try again" >&2; \
	exit 1
