.DEFAULT_GOAL := help
.PHONY: help demo serve test lint types bundle clean

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

help: ## what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bundle: ## dist/function.zip for Lambda; HOST=1: dist/function-host.zip for this machine
	@$(if $(wildcard $(RUN)),$(RUN),$(PYTHON)) components/bundle.py $(if $(HOST),--host)
