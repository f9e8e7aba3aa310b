# What a person types. Every target first makes the Python environment in .venv, once.
# STACK chooses the stack (production, staging); ARGUMENTS is passed on to the command behind a target.

STACK ?= production
# Recipes read it from the environment: make would paste it into the shell's command line.
export STACK
# File of metric values for `make replay`.
export SERIES ?=
# An alarm for `make fire`; an incident, and a name, for `make acknowledge`.
export ALARM ?= HighErrorRate
export INCIDENT ?=
export BY ?=
ARGUMENTS ?=
PYTHON := .venv/bin/python
ENVIRONMENT := .venv/complete
SANDBOX := $(PYTHON) -m sandbox

# Without compiled modules every command would compile the AWS SDK again, for three seconds and more.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help bootstrap doctor up preview refresh destroy down status boot drill replay fire acknowledge manifests analyze checklist mutants test unit check fmt lock bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Another stack: make up STACK=staging"

$(ENVIRONMENT): requirements-dev.txt tools/environment.sh
	@sh tools/environment.sh
	@touch $@

doctor: $(ENVIRONMENT) ## say what a real account lacks before the stack can be deployed there; change nothing
	@$(PYTHON) -m doctor --stack "$$STACK" $(ARGUMENTS)

bootstrap: $(ENVIRONMENT) ## make the bucket and the key of Pulumi's state in the stack's account
	@$(PYTHON) -m bootstrap --stack "$$STACK" $(ARGUMENTS)

up: $(ENVIRONMENT) ## deploy the stack into the sandbox; a second time: what has changed since
	@$(SANDBOX) up --stack "$$STACK" $(ARGUMENTS)

preview: $(ENVIRONMENT) ## show what up would change, policies included; apply nothing
	@$(SANDBOX) preview --stack "$$STACK" $(ARGUMENTS)

refresh: $(ENVIRONMENT) ## compare the state with the emulator and show what drifted
	@$(SANDBOX) refresh --stack "$$STACK" $(ARGUMENTS)

destroy: $(ENVIRONMENT) ## delete every resource of the stack from the emulator
	@$(SANDBOX) destroy --stack "$$STACK" $(ARGUMENTS)

down: ## end the sandbox: its processes and its state, of all stacks
	@if [ -x $(PYTHON) ]; then $(SANDBOX) down $(ARGUMENTS); else echo "Nothing runs."; fi

status: ## what runs, and where
	@if [ -x $(PYTHON) ]; then $(SANDBOX) status $(ARGUMENTS); else echo "Nothing runs."; fi

analyze: $(ENVIRONMENT) ## run the policies on the stack's last deployed state, offline
	@$(SANDBOX) analyze --stack "$$STACK" $(ARGUMENTS)

checklist: $(ENVIRONMENT) ## the guide's checklist against the deployed state; also checklist.md and .json beside it
	@$(PYTHON) -m policies.checklist --state ".sandbox/$$STACK/stack.json" \
		--markdown ".sandbox/$$STACK/checklist.md" --json ".sandbox/$$STACK/checklist.json" $(ARGUMENTS)

mutants: $(ENVIRONMENT) ## weaken the deployed state in every way, and show what the policies let through
	@$(PYTHON) -m policies.mutation --state ".sandbox/$$STACK/stack.json" $(ARGUMENTS)

test: $(ENVIRONMENT) ## everything that can be proven without AWS
	@for tool in pulumi cluster pulumi-resource-kubernetes kubeconform kube-score; do \
		$(SANDBOX) tool $$tool >/dev/null || exit; done
	@$(PYTHON) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGUMENTS)

unit: $(ENVIRONMENT) ## the tests that need neither engine nor emulator nor the programs of a server
	@$(PYTHON) -m pytest -m "not engine and not emulator and not cluster and not host and not npm" -n auto --maxprocesses 4 --dist loadfile $(ARGUMENTS)

boot: $(ENVIRONMENT) ## boot a server from the deployed launch template in a virtual machine, and check it
	@$(PYTHON) -m boot --stack "$$STACK" $(ARGUMENTS)

drill: $(ENVIRONMENT) ## dump a database, restore the dump and compare; DAMAGE=truncated breaks it first
	@$(PYTHON) -m drill $(if $(DAMAGE),--damage $(DAMAGE)) $(ARGUMENTS)

replay: $(ENVIRONMENT) ## who would have been told of what: make replay SERIES=file.json against the deployed alarms
	@$(PYTHON) -m replay --state ".sandbox/$$STACK/stack.json" --series "$$SERIES" $(ARGUMENTS)

manifests: $(ENVIRONMENT) ## write the manifests of the pods as files, for kubectl and other tools
	@$(PYTHON) -m tests.layers.manifests --stack "$$STACK" $(ARGUMENTS)

fire: $(ENVIRONMENT) ## follow an alarm of the sandbox to Slack and the mail: make fire ALARM=ApiDown
	@$(PYTHON) -m incidents fire --state ".sandbox/$$STACK/stack.json" --alarm "$$ALARM"

acknowledge: $(ENVIRONMENT) ## say that you look after an incident: make acknowledge INCIDENT=... BY=...
	@$(PYTHON) -m incidents acknowledge --stack "$$STACK" --incident "$$INCIDENT" --by "$$BY"

check: $(ENVIRONMENT) ## style, types, imports, workflows, the lock
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m mypy .
	@.venv/bin/ty check --python .venv --quiet
	@.venv/bin/lint-imports --no-cache --no-logo
	@$(PYTHON) -m tools.checks
	@"$$($(SANDBOX) tool actionlint)" -color .github/workflows/*.yml
	@.venv/bin/zizmor --offline --quiet --no-progress .github

fmt: $(ENVIRONMENT) ## format the code and fix what ruff can fix
	@$(PYTHON) -m ruff check --fix-only
	@$(PYTHON) -m ruff format

lock: $(ENVIRONMENT) ## pin the dependencies of pyproject.toml again
	@$(PYTHON) -m tools.lock

bench: $(ENVIRONMENT) ## measure the commands, and what components and policies cost
	@$(PYTHON) -m tools.bench.commands $(ARGUMENTS)
	@$(PYTHON) -m tools.bench.policies --state .bench/state.json

clean: ## end the sandbox, then remove everything that make made
	@if [ -x $(PYTHON) ] && [ -d .sandbox ]; then $(SANDBOX) down; fi
	@rm -rf .venv .sandbox .bench .host .manifests .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
