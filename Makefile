.DEFAULT_GOAL := help
.PHONY: help demo serve verify test lint types docs bench fuzz bundle clean

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check

# What the user says reaches the program as it is: a dollar sign in a prompt is no variable.
OPTIONS := PROMPT SCHEMA CODE MODEL_URL MODEL BEDROCK PORT URL API_KEY SIGV4 ORIGIN WARM BODY
$(foreach option,$(OPTIONS),$(if $(filter-out undefined,$(origin $(option))),\
  $(eval override $(option) := $$(value $(option)))$(eval export $(option))))

help: ## what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What both programs of the local stack are given.
COMMON = $${SCHEMA:+--schema="$$SCHEMA"} $${CODE:+--code="$$CODE"} $${MODEL_URL:+--model-url="$$MODEL_URL"} \
  $${MODEL:+--model="$$MODEL"} $${BEDROCK:+--bedrock="$$BEDROCK"}

demo: $(VENV)/.demo ## one prompt through the whole chain; PROMPT=, SCHEMA=module:Class CODE=folder, MODEL_URL= MODEL=
	@$(RUN) -m local.demo $(COMMON) $${PROMPT:+--prompt="$$PROMPT"}

serve: $(VENV)/.demo ## keep the endpoint up on this machine; PORT=, BEDROCK=aws, and as demo
	@$(RUN) -m local $(COMMON) $${PORT:+--port="$$PORT"}

verify: $(VENV)/.demo ## check a deployed endpoint; URL=, API_KEY= or SIGV4=1, ORIGIN=, WARM=1, BODY=
	@test -n "$$URL" || { echo "Set URL to the whole endpoint: make verify URL=https://…/v1/stream" >&2; exit 2; }
	@$(RUN) -m verify $(if $(ORIGIN),--origin="$$ORIGIN") $(if $(BODY),--body="$$BODY") \
	  $(if $(filter-out 0 no false,$(SIGV4)),--sigv4) $(if $(filter-out 0 no false,$(WARM)),--warm) -- "$$URL"

test: lint types ## everything that can be checked without an account
	@$(RUN) -m pytest -q -n auto --dist loadfile

lint: $(VENV)/.test ## ruff: rules and format
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m docs.generate --check

docs: $(VENV)/.test ## write the generated tables of docs/
	@$(RUN) -m docs.generate

types: $(VENV)/.test ## mypy, strict
	@$(RUN) -m mypy .

bench: .cache/bench/.made ## what a fragment costs, against the field; writes docs/partials.svg
	@.cache/bench/bin/python -m bench.partials --plot docs/partials.svg

SECONDS := 60
fuzz: $(VENV)/.test ## the promises of partials with new chance, again and again; SECONDS=60
	@end=$$(($$(date +%s) + $(SECONDS))); while [ $$(date +%s) -lt $$end ]; do \
	  FUZZ=1 $(RUN) -m pytest -q -x tests/partials/test_promises.py \
	    --hypothesis-seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ') || exit 1; done

clean: ## remove what was made, the model included
	@rm -rf $(VENV) .cache dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "Install Python 3.11 or newer ($(PYTHON) is not there)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Install Python 3.11 or newer, or name one: make PYTHON=python3.12 ($(PYTHON) is older)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Install Python's venv module (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: function/requirements.txt local/requirements.txt | $(VENV)/.made
	@echo "Installing what the endpoint needs into $(VENV), once …"
	@$(INSTALL) -r function/requirements.txt
	@$(INSTALL) -r local/requirements.txt 2>/dev/null || echo "No local language model for this Python and machine."
	@touch $@

$(VENV)/.test: tests/requirements.txt requirements.txt function/requirements.txt | $(VENV)/.made
	@echo "Installing what the tests need into $(VENV), once …"
	@$(INSTALL) -r tests/requirements.txt
	@touch $@

.cache/bench/.made: bench/requirements.txt function/requirements.txt bench/package.json
	@$(PYTHON) -m venv .cache/bench
	@.cache/bench/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@! command -v npm > /dev/null || npm --prefix bench install --silent --no-package-lock
	@touch $@

bundle: ## dist/function.zip for Lambda; HOST=1: dist/function-host.zip for this machine
	@$(if $(wildcard $(RUN)),$(RUN),$(PYTHON)) -m components.bundle $(if $(HOST),--host)
