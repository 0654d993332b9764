# Two commands do everything on a fresh machine: `make predict` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: predict test test-systemd test-arm64 test-picamera2 lint train clean

predict: $(VENV)/.runtime  ## Install the runtime and read the sample picture.
	$(BIN)/edge-predict docs/sample.png

test: $(VENV)/.dev  ## Install what the tests need and pass them all.
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --durations 20

test-systemd: $(VENV)/.dev  ## Install the service in a container and try it (root; minutes).
	$(BIN)/python -m pytest -rs -m systemd tests/systemd

test-arm64: $(VENV)/.dev  ## Read the sample on an emulated Pi, both runtimes (minutes).
	$(BIN)/python -m pytest -rs -m arm64 tests/arm64

test-picamera2: $(VENV)/.dev  ## Read a virtual camera with the real picamera2 in a container (root; minutes).
	$(BIN)/python -m pytest -rs -m picamera2 tests/edge/sources

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p digitcam.edge -p digitcam.train -p digitcam.convert
	MYPYPATH=benchmarks $(BIN)/mypy benchmarks docs

PHOTOGRAPHS := $(if $(DIGITCAM_DATA),--photographs $(DIGITCAM_DATA))

FEED := $(PHOTOGRAPHS) --samples runs/samples --distinct-epochs 9 --page-marks 32000 --paper-marks 16000
WORDS := --samples runs/words --written 7000 --pages 2600 --photographed 2400 --nothing 1400 --distinct-epochs 3

train: $(VENV)/.dev  ## Train the shipped models anew and export them (hours on two cores; docs/training.md has the GPU).
	$(BIN)/digitcam-train --out runs/digits $(FEED) --epochs 45 --learning-rate 0.004
	$(BIN)/digitcam-convert runs/digits --out edge/models/digits
	$(BIN)/digitcam-train --out runs/digits-tiny --arch tiny $(FEED) --epochs 18
	$(BIN)/digitcam-convert runs/digits-tiny --out edge/models/digits-tiny --max-gap 0.6
	$(BIN)/digitcam-train-strings --out runs/strings $(PHOTOGRAPHS) --epochs 16 $(WORDS)
	$(BIN)/digitcam-convert runs/strings --out edge/models/strings --max-gap 2
	$(if $(DIGITCAM_DATA),$(BIN)/digitcam-weigh edge/models/digits $(PHOTOGRAPHS))
	$(if $(DIGITCAM_DATA),$(BIN)/digitcam-weigh edge/models/digits-tiny $(PHOTOGRAPHS) --pages 400)

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.runtime: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -qq .
	touch $@

$(VENV)/.dev: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -qq -e '.[train,dev]'
	touch $@ $(VENV)/.runtime
