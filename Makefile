# SPDX-License-Identifier: GPL-2.0-only
#
# The way in: every target is a script of tests/vm, which also says more.
# KERNEL=6.12 names one of newest, 6.12, 6.1, debug (test takes all of them,
# all else newest, if not said), TESTS='a b' some guest tests, CMD='...' what vm runs,
# YES=1 answers the one question, PIN_REVOKE_CACHE moves the cache.
#
# Must never hold logic of its own.
KERNEL ?=
one = $(or $(KERNEL),newest)
TESTS ?=
vm := tests/vm

help: ## this text
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(lastword $(MAKEFILE_LIST)) | expand -t 18

demo: ## see it: RDMA into a file, and an fsync that means it (BASELINE=1: today's answer)
	@$(vm)/demo.sh

test: ## everything; last line N passed, N failed (TESTS='a b': these guest tests only)
	@$(vm)/deps.sh $(or $(KERNEL),$(if $(TESTS),newest,newest 6.12 6.1 debug)) \
		$(if $(TESTS),,clang)
	@$(if $(TESTS),$(vm)/run.sh $(one) $(TESTS),$(vm)/all.sh $(KERNEL))

long: ## what takes too long for test: all on the debug kernel, torture, power cuts
	@$(vm)/deps.sh newest 6.12 6.1 debug
	@$(vm)/long.sh

mutants: ## break the core on purpose, one line at a time: is each noticed? (20 minutes)
	@$(vm)/deps.sh debug
	@tests/mutants/run.sh

build: deps ## build all components, in the guest root, into build/
	@$(vm)/build.sh $(one)

vm: build ## a shell in the guest with everything loaded (CMD='...': one command)
	@$(vm)/shell.sh $(one)

unit: ## the tests that need no kernel
	@$(vm)/deps.sh $(one) clang
	@$(vm)/unit.sh

fuzz: ## fuzz what takes bytes from others, for TIME=60 seconds each
	@$(vm)/deps.sh $(one) clang
	@$(vm)/fuzz.sh fuzz TIME=$(or $(TIME),60)

check: ## generated files, checkpatch, shellcheck, licences, what analysers find
	@$(vm)/deps.sh $(one) clang
	@$(vm)/check-tree.sh all

figures: deps ## what an fsync costs with and without the module, in instructions
	@$(vm)/figures.sh $(one)

bench: ## measure ours and what Linux has already (BOOTS=5, BENCH='B2 B3': some rows)
	@NEEDS='python3:python3 gnuplot:gnuplot-nox' $(vm)/deps.sh $(one)
	@tests/bench/run.sh $(one)

gen: deps ## make uapi header, policy tables and names from uapi/pin-revoke.yaml
	@$(vm)/gen.sh .

deb: deps ## the Debian packages, into build/deb/SUITE/ (KERNEL=6.1: for Debian 12)
	@$(vm)/deb.sh $(one)

series: deps ## the patch series for the kernel, into build/series/
	@$(vm)/series.sh

abi: deps ## let the ABI that librevoke has now be the one that is kept
	@$(vm)/abi.sh

install: ## library, tool, manual pages, units into PREFIX=/usr/local (modules: see README)
	@$(MAKE) -C lib install
	@$(MAKE) -C tools install

clean: ## remove build/ (the cache stays, see README)
	rm -rf build

deps:
	@$(vm)/deps.sh $(one)

.PHONY: help demo test long mutants build vm unit fuzz check figures bench gen deb series \
	abi install clean deps
