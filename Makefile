# The thin door to Ringside. Everything here is one command that you could as well type yourself.

SHELL := /bin/bash
# A fresh rustup puts cargo here; a shell opened before that does not know it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

CARGO ?= cargo
RINGSIDE = $(CARGO) run --quiet --release -p ringside --
# Arguments for the command that a target runs, e.g. make run ARGS="--pcap my.pcap --queues 4"
ARGS ?=
# Parameters of the build that make netlist synthesises
NETLIST ?= DATA_W=128 QUEUE_PAIRS=1 MAX_QUEUE_SIZE=16
# Descriptors of make soak, and which random scenarios
DESCRIPTORS ?= 10000000
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-lint setup-formal setup-bench setup-traffic setup-drivers setup-uml build run test soak strength lint formal paths netlist fmt golden study coverage bench bench-ring drivers traffic clean

help: ## this list
	@echo "make TARGET [ARGS=...]"
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing to build and run
	@tools/setup.sh

setup-test: ## ... and what the tests need (tshark, chromium)
	@tools/setup.sh test

setup-lint: ## ... and the lint tools (slang, yosys, verible, Debian's Verilator)
	@tools/setup.sh lint

setup-formal: ## ... and what proves (yosys, bitwuzla)
	@tools/setup.sh formal

setup-bench: ## ... and cocotb with cocotbext-pcie
	@tools/setup.sh bench

setup-traffic: ## ... and what re-makes the captures in golden/traffic
	@tools/setup.sh traffic

setup-drivers: ## ... and DPDK's testpmd, which make drivers lets drive the device
	@tools/setup.sh drivers

setup-uml: ## ... and a user-mode Linux that has the device in its PCI slot (builds it: 5 minutes of processor time, once)
	@tools/setup.sh uml

build: setup ## build the ringside command
	$(CARGO) build --release -p ringside

run: setup ## the main job: a real capture through the device, judged, reported
	@$(CARGO) build --release -p ringside
	@$(RINGSIDE) run $(ARGS)

test: setup-test ## every test
	$(CARGO) test --workspace $(ARGS)

soak: setup ## random legal scenarios, split and packed, until DESCRIPTORS descriptors are done; goes on where it stopped, each failure names its command
	@$(CARGO) build --quiet --release -p ringside
	@$(RINGSIDE) test --random $(DESCRIPTORS) --seed $(SEED) $(ARGS)

strength: setup-lint ## how strong the judge is: hundreds of mutants of the device, each against scenarios of a fixed budget; survivors by line; goes on where it stopped
	@$(CARGO) build --quiet --release -p ringside
	@$(RINGSIDE) strength $(ARGS)

drivers: setup ## drivers that nobody here wrote, on the device (DPDK over vhost-user, Linux in its PCI slot): a table of runs; skips loudly what is not installed (make setup-drivers setup-uml)
	@$(CARGO) build --quiet --release -p ringside && python3 tools/drivers.py $(ARGS) -- target/release/ringside

lint: setup-lint ## formatting, clippy, and four readings of the RTL
	@tools/lint.sh $(ARGS)

formal: setup-formal ## proofs of the RTL's blocks (rtl/formal), and that they find the faults put in: proved, depth, seconds
	@.venv/bin/python tools/formal.py $(ARGS)

paths: setup-lint ## no combinational path from an input to an output of the device
	@.venv/bin/python tools/comb_paths.py --known rtl/paths.toml $(ARGS)

netlist: setup-lint ## synthesise a small build of the device (NETLIST) to gates; the golden scenarios on it, from random state and in lock-step with the RTL
	@$(CARGO) build --quiet --release -p ringside
	@.venv/bin/python tools/netlist.py $(NETLIST:%=--set %)
	@RINGSIDE_CXXFLAGS=-O1 $(RINGSIDE) test --dut .cache/netlist/gates/dut.toml $(ARGS)
	@RINGSIDE_CXXFLAGS=-O1 $(RINGSIDE) test --dut .cache/netlist/gates/dut.toml --same-as .cache/netlist/gates/rtl.toml $(ARGS)

fmt: ## format the Rust
	$(CARGO) fmt --all

golden: setup ## compare the golden traces with what the device does now
	@$(RINGSIDE) golden check $(ARGS)

study: setup ## every study of golden/studies: questions, the runs that answer them, a page each (resumable; ARGS="--keep" keeps the results for docs/studies.md)
	@$(RINGSIDE) study --all $(ARGS)

coverage: build ## what the scenarios meet of the coverage plan (docs/coverage.md), then lines and branches of the RTL over the golden ones, as lcov
	@$(RINGSIDE) test --all --coverage
	@.venv/bin/python tools/coverage.py $(ARGS)

bench-ring: setup ## the rings at the limit: 64-byte rates, latencies, the engine alone; fails below 0.9 of golden/rates (resumable; ARGS="--only 512,gen3x8")
	@$(CARGO) build --quiet --release -p ringside && python3 tools/bench/ring.py $(ARGS) --compare golden/rates/rates.json -- target/release/ringside

bench: setup-bench ## simulated cycles per second beside bare C++ and cocotb
	@tools/bench/run.sh $(ARGS)

traffic: setup-traffic ## make golden/traffic anew (needs root: network namespaces)
	@tools/make-traffic.sh $(ARGS)

clean: ## remove what builds made (.venv stays; built models are in .cache)
	$(CARGO) clean
	rm -rf .cache/models reports/out
