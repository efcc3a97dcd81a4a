# `make help` lists what there is to make. Only Go is needed to build and run.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'

# What to test, and flags for `go test`: make test PACKAGES=./storage/... TESTFLAGS=-v
PACKAGES ?= ./...
TESTFLAGS ?=

# The set-up leaves runtimes under Lambda's names there; see testsuite/setup/run.sh.
TESTPATH := $(CURDIR)/dist/runtimes:$(PATH)

.PHONY: build run test setup race clients lint bench generate image clean help

build: ## bin/virga, the one static binary
	@$(BUILD) -o bin/virga ./cmd/virga

run: build ## build and start the server; ARGS="--memory" passes flags
	@exec bin/virga start $(ARGS)

test: setup lint race clients ## everything: set-up, lint, all tests with the race detector, clients

# lint and race compile the tree twice, with and without the race detector; one
# after the other they leave both cores to each.
.NOTPARALLEL:

setup: ## install, start and build what the tests use (as root on Debian), or say what is left out
	@testsuite/setup/run.sh

race: ## all Go tests with the race detector
	@PATH='$(TESTPATH)' $(GO) test -race -timeout 12m $(TESTFLAGS) $(PACKAGES)

clients: ## the suites of other languages' AWS clients, against bin/virga
	@if [ -x testsuite/clients/run.sh ]; then \
	  $(MAKE) --no-print-directory build && PATH='$(TESTPATH)' testsuite/clients/run.sh; \
	fi

lint: ## gofmt, go vet and staticcheck
	@badly=$$(gofmt -l .); \
	  [ -z "$$badly" ] || { echo "gofmt -w:"; echo "$$badly"; exit 1; }
	@$(GO) vet ./...
	@$(GO) tool staticcheck ./...

bench: build ## the ratios to a bare handler, start-up times and resident memory
	@PATH='$(TESTPATH)' $(GO) run ./testsuite/bench -server bin/virga $(ARGS)

generate: ## api/<service> from AWS's service models
	@$(GO) generate ./api

# The image's root directory is laid out here, so that the build needs no base
# image: the binary, a user, and the directories that user writes to.
ROOT := dist/image
image: ## the container image virga:latest; needs an engine, no registry
	@rm -rf $(ROOT) && mkdir -p -m 1777 $(ROOT)/tmp && mkdir -p $(ROOT)/etc/localstack/init/{boot,start,ready,shutdown}.d $(ROOT)/var/lib/localstack
	@GOOS=linux $(BUILD) -o $(ROOT)/virga ./cmd/virga
	@echo 'virga:x:65532:65532::/var/lib/localstack:/virga' >$(ROOT)/etc/passwd
	@docker build -q --label org.opencontainers.image.version=$(VERSION) -t virga:latest .

clean: ## remove what was built; .virga, the data of `make run`, stays
	@rm -rf bin dist

help: ## this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 18
