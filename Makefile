.DEFAULT_GOAL := help
.PHONY: help demo serve verify openapi test test-fast test-browser lint types format docs bench bench-load fuzz bundle lock release clean given-url given-tag

# --- Options: only those on make's command line; a variable of the same name in the shell is ignored ---------------

OPTIONS := PROMPT SCHEMA CODE CONFIG MODEL_URL MODEL BEDROCK PORT URL SIGV4 ORIGIN WARM BODY API_KEY HOST TAG PYTHON
GIVEN := $(foreach option,$(OPTIONS) $(filter LLM_% AWS_%,$(.VARIABLES)),\
  $(if $(filter command,$(firstword $(origin $(option)))),$(option)))

# A program receives an option as it was given: make expands no dollar sign in it, and the shell reads it from the
# environment, in quotes. Programs read API_KEY, LLM_… and AWS_… from the environment: they never become arguments.
$(foreach option,$(GIVEN),$(eval override $(option) := $$(value $(option)))$(eval export $(option)))

# $(call with,--prompt,PROMPT): the flag with its value, if the option is given and not empty.
with = $(if $(filter $(2),$(GIVEN)),$(if $(value $(2)),$(1)="$$$(2)"))
# $(call if-yes,--warm,WARM): the flag, if the option is given and is not 0, no, false or off.
if-yes = $(if $(filter $(2),$(GIVEN)),$(if $(filter-out 0 no false off,$(call lower,$(value $(2)))),$(1)))
# $(call lower,No): the text with the letters of no, false and off in lower case.
lower = $(subst N,n,$(subst O,o,$(subst F,f,$(subst A,a,$(subst L,l,$(subst S,s,$(subst E,e,$(1))))))))
# $(call needs,URL,sentence): a command that prints the sentence and fails if the option is missing or empty.
needs = $(if $(and $(filter $(1),$(GIVEN)),$(value $(1))),true,echo "$(2)" >&2; exit 2)

# Where another program has left this variable, every process would compile all that it imports: pip has compiled nothing.
unexport PYTHONDONTWRITEBYTECODE

# --- An environment for each Python: .venv, and .venv-3.13 for make PYTHON=python3.13 ------------------------------

ifeq (,$(filter PYTHON,$(GIVEN)))
override PYTHON := python3
VENV := .venv
else
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
endif
RUN := $(VENV)/bin/python
INSTALL := $(PYTHON) -m scripts.install
DEMO_OPTIONS = $(call with,--schema,SCHEMA) $(call with,--code,CODE) $(call with,--config,CONFIG) \
  $(call with,--model-url,MODEL_URL) $(call with,--model,MODEL) $(call with,--bedrock,BEDROCK)

ifneq (,$(filter test test-fast lint types format,$(MAKECMDGOALS)))
$(info $(shell $(if $(wildcard $(RUN)),$(RUN),$(PYTHON)) --version 2>/dev/null) in $(VENV))
endif

# --- Targets -------------------------------------------------------------------------------------------------------

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.demo ## send one request through the local stack; PROMPT= or BODY=file, SCHEMA=module:Class CODE=folder, CONFIG=file, MODEL_URL= MODEL=
	@$(RUN) -m local.demo $(DEMO_OPTIONS) $(call with,--prompt,PROMPT) $(call with,--body,BODY)

serve: $(VENV)/.demo ## serve the endpoint on this machine; PORT=, BEDROCK=aws, and the options of demo except PROMPT and BODY
	@$(RUN) -m local $(DEMO_OPTIONS) $(call with,--port,PORT)

verify: given-url $(VENV)/.demo ## check an endpoint from outside; URL=, API_KEY= or SIGV4=1, ORIGIN=, WARM=1, CODE=folder CONFIG=file, BODY=file
	@$(RUN) -m verify $(call if-yes,--sigv4,SIGV4) $(call with,--origin,ORIGIN) $(call if-yes,--warm,WARM) \
	  $(call with,--code,CODE) $(call with,--config,CONFIG) \
	  $(call with,--body,BODY) -- "$$URL"

openapi: $(VENV)/.demo ## write the OpenAPI documents of an endpoint to dist/; SCHEMA=module:Class CODE=folder, CONFIG=file
	@$(RUN) -m openapi $(call with,--schema,SCHEMA) $(call with,--code,CODE) $(call with,--config,CONFIG)

# The types are checked while the tests run: many tests wait for processes, and leave a part of the processor free. The
# check takes no more than this part: some tests start twenty processes, and services in them have two seconds to answer.
# A shell starts what runs beside it with Ctrl-C ignored, so it ends the check of the types itself.
# In a fresh clone one process imports everything first, so that the workers need not each compile all of it.
test: lint ## run everything that can be checked without an AWS account; PYTHON=python3.13
	@nice -n 19 $(RUN) -m mypy . > $(VENV)/types.txt 2>&1 & types=$$!; \
	  trap "kill $$types 2> /dev/null; wait" EXIT; trap "exit 130" INT TERM; \
	  [ -d tests/__pycache__ ] || $(RUN) -m pytest -q --collect-only > /dev/null 2>&1; \
	  $(RUN) -m pytest -q -n auto; tests=$$?; \
	  wait $$types; checked=$$?; trap - EXIT; cat $(VENV)/types.txt; [ $$tests = 0 ] && [ $$checked = 0 ]

test-fast: $(VENV)/.test ## run the tests that take less than a minute altogether
	@$(RUN) -m pytest -q -n auto -m "not slow"

test-browser: $(VENV)/.test ## run the tests of the JavaScript client, and those in Chromium; installs what it needs
	@$(RUN) -m scripts.browser

lint: $(VENV)/.test ## check rules, format and generated documents
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m docs.generate --check
	@$(RUN) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml .github/workflows/release.yml
	@$(RUN) -m check_jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(RUN) -m check_jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/proposal.yml
	@$(VENV)/bin/zizmor --offline --quiet .github

types: $(VENV)/.test ## check types, strictly
	@$(RUN) -m mypy .

format: $(VENV)/.test ## format the code, and apply the fixes that ruff considers safe
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

docs: $(VENV)/.test ## write the generated parts of the documents
	@$(RUN) -m docs.generate

bench: .cache/bench/.made .cache/bench/.adapter ## measure what a fragment and a request cost, beside other ways; writes the pictures of the docs
	@.cache/bench/bin/python -m bench.partials --plot docs/partials.svg
	@.cache/bench/bin/python -m bench.memory
	@.cache/bench/bin/python -m bench.bundle
	@.cache/bench/bin/python -m bench.growth
	@.cache/bench/bin/python -m bench.endpoint --plot docs/performance.svg

bench-load: .cache/bench/.made ## let fifty streams run at once for two minutes, then send 2,000 short requests; needs Linux
	@.cache/bench/bin/python -m bench.load

SECONDS := 60
fuzz: $(VENV)/.test ## test the promises of partials with new random documents for a minute; SECONDS=60
	@end=$$(($$(date +%s) + $(SECONDS))); while [ $$(date +%s) -lt $$end ]; do \
	  FUZZ=1 $(RUN) -m pytest -q -x tests/partials/test_promises.py \
	    --hypothesis-seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ') || exit 1; done

bundle: ## write dist/function.zip for Lambda; HOST=1: dist/function-host.zip for this machine
	@$(if $(wildcard $(RUN)),$(RUN),$(PYTHON)) -m components.bundle $(call if-yes,--host,HOST)

lock: $(VENV)/.test ## write function/requirements.lock: the newest versions that function/requirements.txt accepts
	@$(RUN) -m scripts.lock

release: given-tag $(VENV)/.test ## write the wheel, the plugin's schema and the notes of a release to dist/release; TAG=v0.1.0
	@$(RUN) -m scripts.release -- "$$TAG"

clean: ## remove everything that make has written, the downloaded model included
	@rm -rf .venv .venv-* .cache dist .mypy_cache .pytest_cache .ruff_cache .hypothesis bench/node_modules clients/js/node_modules \
	  tests/browser/node_modules

# An option that is missing is asked for before anything is installed.
given-url:
	@$(call needs,URL,Set URL to the URL of the endpoint: make verify URL=https://…/v1/stream)

given-tag:
	@$(call needs,TAG,Set TAG to the tag of the release: make release TAG=v0.1.0)

# --- Environments --------------------------------------------------------------------------------------------------

define check-python
  command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed. Install Python 3.11 or newer."; exit 1; }
  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
    { echo "$(PYTHON) is older than 3.11. Choose a newer Python, for example: make test PYTHON=python3.12"; exit 1; }
  $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
    { echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
endef

$(VENV)/.demo: function/requirements.lock local/configuration.txt local/requirements.txt
	@$(check-python)
	@$(INSTALL) $(VENV) -r function/requirements.lock -r local/configuration.txt --optional local/requirements.txt
	@touch $@

$(VENV)/.test: tests/pip.txt tests/requirements.txt examples/tracing/code-requirements.txt requirements.txt function/requirements.txt function/requirements.lock
	@$(check-python)
	@$(INSTALL) $(VENV) -r tests/pip.txt -r function/requirements.lock -r tests/requirements.txt
	@touch $@

.cache/bench/.made: bench/requirements.txt function/requirements.txt bench/package.json
	@$(check-python)
	@$(INSTALL) .cache/bench -r bench/requirements.txt
	@! command -v npm > /dev/null || npm --prefix bench install --silent --no-package-lock
	@touch $@

# Another way to run a web application on Lambda, which is measured where Rust is installed. The build takes some minutes.
.cache/bench/.adapter: .cache/bench/.made
	@! command -v cargo > /dev/null || { echo "Building Lambda Web Adapter. This takes some minutes, once …"; \
	  cargo install --quiet --locked --root .cache/bench lambda_web_adapter@0.9.1; }
	@touch $@
