# The only command surface: people, CI and scripts call these targets.

BIN := .venv/bin
RUNS := .venv/.runs
READY := .venv/.installed
CODE := $(wildcard bench cli deploy dev services shared tests)
LOCKED := $(foreach service,ingress router agent egress console,$(service):services/$(service)) jobs:cli simulator:dev/simulator
LOCAL := local:dev
DOCKER ?= docker
TAG ?= dev
TOOLBOX := build/tools
TOOLS = [ -x $(TOOLBOX)/bin/pip ] || python3 -m venv $(TOOLBOX); $(TOOLBOX)/bin/pip install --quiet --disable-pip-version-check --only-binary :all:
COMPILE = $$UV pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

# Everything here starts the same programs again and again: compiled once is enough.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up down reset logs test chaos containers upgrade scaling bench check docs assets fmt lock env images sbom audit clean browser promtool

help: ## Print this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(RUNS) ## Start the local stack, send a first message, leave it running (ARGS="--replicas router=2")
	@$(BIN)/trunkline up $(ARGS)

down: $(RUNS) ## Stop the local stack; data and keys stay
	@$(BIN)/trunkline down

reset: $(RUNS) ## Stop the local stack and delete its data, keys and logs
	@$(BIN)/trunkline reset --yes

logs: $(RUNS) ## Print the ends of the local stack's logs (ARGS="router -f")
	@$(BIN)/trunkline logs $(ARGS)

test: $(READY) browser promtool ## Run the whole test suite (ARGS="-k pairing")
	@$(BIN)/python -m pytest --numprocesses 2 $(ARGS)

chaos: $(READY) ## Kill, pause and confuse everything under load, and check that nobody notices (ARGS="--seed 2")
	@$(BIN)/python -m dev.chaos $(ARGS)

containers: $(READY) ## Build every image, bring Compose up, answer a message through it, check each container's hardening (root)
	@sh dev/containers/prepare.sh
	@$(BIN)/python -m dev.containers trial

upgrade: $(READY) ## Upgrade containers under load from an earlier commit and go back (root; ARGS="--from COMMIT")
	@sh dev/containers/prepare.sh
	@$(BIN)/python -m dev.containers upgrade $(ARGS)

scaling: $(READY) ## Scale out and in by the thresholds of the manifests, and look for interrupted turns
	@$(BIN)/python -m dev.scaling $(ARGS)

bench: $(READY) ## Measure throughput and latency beside their floor, about 100 s a round (ARGS=1: one round)
	@$(BIN)/python -m bench $(ARGS)

check: $(READY) ## Check format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict $(CODE)
	$(BIN)/lint-imports

docs: $(READY) ## Build the documentation as a site in build/docs; fails on a broken link
	$(BIN)/python -m dev.site

assets: $(READY) ## Build the console's scripts, styles, fonts and icons anew (needs npm); the result is committed
	@cd assets && npm ci --ignore-scripts --no-audit --no-fund --silent
	@$(BIN)/python -m dev.assets

fmt: $(READY) ## Format, and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: $(READY) ## Pin all dependencies by hash (UPGRADE=--upgrade for newer ones)
	@UV=$$(command -v uv || echo $(BIN)/uv); \
	[ -x "$$UV" ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: uv; \
	echo requirements-dev.txt; \
	$(COMPILE) $(UPGRADE) --group dev -o requirements-dev.txt >/dev/null || exit 1; \
	for lock in $(LOCKED) $(LOCAL); do \
		group=$${lock%%:*} file=$${lock#*:}/requirements.txt; echo $$file; \
		$(COMPILE) --group $$group -c requirements-dev.txt -o $$file >/dev/null || exit 1; \
	done

env: ## Write .env for Compose, if there is none (secrets are made by `docker compose up` itself)
	@[ -e .env ] || { cp .env.example .env && echo "Wrote .env. Now: docker compose up --build"; }

images: ## Build every image (DOCKER=podman TAG=dev ARGS="--secret id=pip,src=…")
	@for lock in $(LOCKED); do \
		image=$${lock%%:*}; \
		DOCKER_BUILDKIT=1 $(DOCKER) build $(ARGS) --build-arg SERVICE=$$image --build-arg LOCK=$${lock#*:}/requirements.txt \
			--build-arg REVISION=$$(git rev-parse HEAD) --tag trunkline-$$image:$(TAG) . || exit 1; \
	done

sbom: $(READY) ## Write each image's bill of materials (CycloneDX) from its lock to build/sbom; needs the network once
	@$(TOOLS) cyclonedx-bom==7.5.0; mkdir -p build/sbom; \
	for lock in $(LOCKED); do \
		$(TOOLBOX)/bin/cyclonedx-py requirements --output-reproducible --of JSON -o build/sbom/$${lock%%:*}.cdx.json \
			$${lock#*:}/requirements.txt || exit 1; \
	done; ls build/sbom

audit: $(READY) ## Ask the advisory database about every locked version; needs the network
	@$(TOOLS) pip-audit==2.10.1; \
	for lock in $(LOCKED); do \
		echo $${lock%%:*}; $(TOOLBOX)/bin/pip-audit --strict --disable-pip --require-hashes --requirement $${lock#*:}/requirements.txt || exit 1; \
	done

clean: ## Delete .venv and caches, not the stack's data
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

browser: # What the browser tests drive
	@sh dev/browser.sh

promtool: # What the tests of alerts and dashboards ask
	@sh dev/promtool.sh

# What the local stack needs is less than half of what tests and checks do.
$(RUNS): dev/requirements.txt pyproject.toml dev/venv.sh
	@sh dev/venv.sh .venv dev/requirements.txt
	@touch $@

$(READY): requirements-dev.txt pyproject.toml dev/venv.sh
	@sh dev/venv.sh .venv requirements-dev.txt
	@touch $(RUNS) $@
