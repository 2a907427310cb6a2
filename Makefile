# `make` alone lists the targets.
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := gateway resolvers projections upstream_stubs scripts benchmarks tests

.DEFAULT_GOAL := help
.PHONY: help run test test-kafka check format schema lock playground kafka-up kafka-down clean
.PHONY: bench bench-check bench-peers bench-events bench-faults bench-edge bench-tokens
.PHONY: bench-subscriptions clients prove fuzz soak env-run env-dev

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28

run: env-run ## Start everything on this machine and say where (Ctrl-C stops it)
	@$(BIN)/python scripts/playground_assets.py || echo "playground: showing its plain page"
	@$(BIN)/bff dev

test: env-dev ## Run all tests; needs no service beforehand
	@$(BIN)/python -m pytest -n 2 --dist loadscope $(ARGS)

test-kafka: env-dev ## Bring up real Kafka (Docker, or Java and Maven) and run its tests
	@TEST_KAFKA_REQUIRED=1 $(BIN)/python scripts/kafka.py run -- \
		$(BIN)/python -m pytest -n 2 --dist loadscope -m kafka $(ARGS)

bench: env-dev ## Measure speed beside the usual stack and the raw limit; ten minutes; ARGS="--quick"
	@$(BIN)/python -m benchmarks --only speed --publish $(ARGS)

bench-check: env-dev ## The same, published nowhere; fails with the name of each bar that is missed
	@$(BIN)/python -m benchmarks --only speed --strict $(ARGS)

bench-peers: env-dev ## Measure speed and failures beside gateways on Node, from npm; ARGS="--quick"
	@$(BIN)/python -m benchmarks --only peers --publish $(ARGS)

bench-events: env-dev ## Measure the event side: minutes; ARGS="--quick", "--only NAME", "--help"
	@$(BIN)/python -m benchmarks $(ARGS)

prove: env-dev ## The laws at length: schedules, real processes, a million answers of plans
	@$(BIN)/python scripts/prove.py $(ARGS)
	@$(BIN)/python scripts/prove_real.py
	@$(BIN)/python scripts/prove_plans.py

fuzz: env-dev ## Fifty thousand random requests, made of the schema: no 500, every error coded
	@$(BIN)/python scripts/fuzz.py $(ARGS)

soak: env-dev ## Ten minutes of random faults; nothing may leak; ARGS="--minutes 2", "--leak task"
	@$(BIN)/python scripts/soak.py $(ARGS)

bench-tokens: env-dev ## Measure tokens: forged, long, waiting; minutes; ARGS="--quick", "--help"
	@$(BIN)/python -m benchmarks --only tokens $(ARGS)

bench-faults: env-dev ## Measure faults, each protection with its control; minutes; ARGS="--quick", "--help"
	@$(BIN)/python -m benchmarks --only faults $(ARGS)

bench-edge: env-dev ## Measure the front door: attacks, and who stands beside them; ARGS="--quick"
	@$(BIN)/python -m benchmarks --only edge $(ARGS)

bench-subscriptions: env-dev ## Measure who follows orders: a thousand, two gateways; ARGS="--quick"
	@$(BIN)/python -m benchmarks --only subscriptions $(ARGS)

check: env-dev ## Format, lint, types, import rules, schema, sizes
	@$(BIN)/python scripts/check.py

format: env-dev ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .

schema: env-dev ## Write schema.graphql and docs/settings.md from the code
	@$(BIN)/bff schema --write
	@$(BIN)/bff settings --markdown > docs/settings.md

lock: env-dev ## Resolve the dependencies anew into requirements*.lock
	@$(BIN)/python scripts/lock.py

playground: env-run ## Fetch the playground's pinned files, where npm is there
	@$(BIN)/python scripts/playground_assets.py

clients: env-dev ## Fetch the pinned npm packages that the recipes of docs/clients.md are tried with
	@$(BIN)/python scripts/client_packages.py

kafka-up: env-dev ## Leave a real Kafka running; prints HOST:PORT, for TEST_KAFKA=HOST:PORT
	@$(BIN)/python scripts/kafka.py up

kafka-down: env-dev ## End the Kafka that kafka-up left running, and remove its data
	@$(BIN)/python scripts/kafka.py down

clean: ## Remove the environment, the data and all caches
	-@test ! -e .data/kafka/running.json || $(BIN)/python scripts/kafka.py down
	@rm -rf .venv .venv.lock .data .coverage htmlcov build *.egg-info gateway/playground/assets
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find $(PACKAGES) -name __pycache__ -prune -exec rm -rf {} +

env-run:
	@$(PYTHON) scripts/environment.py run

env-dev:
	@$(PYTHON) scripts/environment.py dev
