# Reelgate: the two commands of the README are `make run` and `make test`.
HOME_DIR ?= .reelgate
INPUT    ?= samples
CARGO    ?= cargo
BIN      := target/debug

.PHONY: help setup build run check test test-long judge mutants test-policies dist test-dist image test-image bench bench-privacy lint doc clean-home

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: ## install missing Debian packages (as root or with sudo)
	@deploy/local/setup.sh

build: setup ## build reelgate with every backend, and its media worker
	@$(CARGO) build --locked -p reelgate --bin reelgate -p reelgate-worker --bin reelgate-worker

# The laptop's set: directories and SQLite, without the backends on AWS and PostgreSQL.
run: setup ## take INPUT=path/or/dir (default: samples) through the gate; HOME_DIR=.reelgate keeps the results
	@$(CARGO) build --locked --no-default-features -p reelgate --bin reelgate -p reelgate-worker --bin reelgate-worker
	@$(BIN)/reelgate run --home $(HOME_DIR) $(INPUT) || test $$? -eq 3

test: ## install what tests need, check format and lints, run every test
	@deploy/local/setup.sh --with-tests
	@tests/run.sh

test-long: ## the same with the full numbers: 200 kills and uploads, 100,000 schedules, media in full size, 40 outages of a disk, storage away for ten minutes
	@deploy/local/setup.sh --with-tests
	@REELGATE_KILLS=200 REELGATE_ASSETS=200 REELGATE_SCHEDULES=100000 REELGATE_FULL_MEDIA=1 REELGATE_AWAY_S=600 REELGATE_STOPS=40 REELGATE_OUTAGES=40 tests/run.sh

judge: ## judge what is published against the sources with ffmpeg: every kind and file, one line each
	@deploy/local/setup.sh --with-tests
	@REELGATE_JUDGE=whole tests/nextest.sh --locked --workspace --test judge --no-fail-fast --no-capture

mutants: ## send 10,000 mutated files through the gate (REELGATE_MUTANTS, REELGATE_SEED)
	@deploy/local/setup.sh --with-tests
	@REELGATE_MUTANTS=$${REELGATE_MUTANTS:-10000} $(CARGO) nextest run --locked --workspace --no-capture -E 'binary(e2e) and test(mutations::)'

check: ## for the minute before a commit: format, lints, house rules and fast tests
	@tests/check.sh

test-policies: ## try each statement of the policies for AWS: what it allows, what it denies, and what is denied without it
	@deploy/local/setup.sh --with-tests
	@$(CARGO) nextest run --locked --workspace --no-capture -E 'binary(stand_ins) and test(policies::) or binary(stack) and (test(documents::) or test(resource_policies::))'

dist: setup ## build the Debian package of both programs, and the list of their crates, in target/dist
	@deploy/package/build.sh

test-dist: ## try that package in fresh roots of Debian 12 and 13: install, check, publish, purge (as root)
	@deploy/package/try-deb.sh

image: ## build the OCI image of that package on GStreamer 1.28, without shell and the same each time, in target/image (as root)
	@deploy/image/build.sh

test-image: ## run the tests of media and jail inside of the image's packages, and boot them as a machine (as root; an hour)
	@deploy/local/setup.sh --with-tests
	@deploy/image/test.sh
	@deploy/image/build.sh --disk
	@deploy/image/boot.sh

bench: ## install what benches need, run them, print ratios against peers
	@deploy/local/setup.sh --with-benches
	@benches/run.sh

bench-privacy: ## speed and accuracy of the classifier, and its speed beside two peers
	@$(CARGO) bench --locked --profile release -p reelgate-privacy
	@CARGO=$(CARGO) privacy/peers/run.sh

lint: ## format and lints only
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

doc: ## build the API documentation
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

clean-home: ## delete the results of `make run`
	@rm -rf $(HOME_DIR)
