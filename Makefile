# Each recipe is one line; what it does stands in scripts/.
.DEFAULT_GOAL := help
.PHONY: help demo-data setup run test screens faults check bench coverage lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

setup: ## the virtual environment with all that running needs; starts nothing
	@scripts/setup run

run: ## set up, then the product and its sandbox on http://127.0.0.1:8000/ (PORT, SANDBOX_PORT)
	@scripts/run

demo-data: ## a month of invented traffic to look at, beside `make run` (ARGS="--share 3 --password …" logs in mina, jonas, lea)
	@scripts/setup run
	@.venv/bin/python manage.py migrate -v0
	@SANDBOX=$${SANDBOX-1} .venv/bin/python manage.py demo_data $(ARGS)

test: ## every test, in a real browser too, on SQLite and PostgreSQL (ARGS="-k hooks")
	@scripts/test $(ARGS)

screens: ## the pictures in docs/screens anew, with the invented month of demo-data
	@scripts/screens

faults: ## break everything under load, on both databases: half an hour (ARGS="--short --only broker")
	@scripts/faults $(ARGS)

check: ## formatting, lint, types, import rules, templates, migrations, deployment
	@scripts/check

bench: ## the product beside its floor and its peers, into docs/performance.md (SHORT=1: a quick look)
	@scripts/bench $(if $(SHORT),--short)

coverage: ## what the tests do not reach
	@scripts/test --cov --cov-report=term $(ARGS)

lock: ## renew requirements/*.txt (ARGS=--upgrade)
	@scripts/lock $(ARGS)

clean: ## remove what the tools left; keeps .env and var/
	rm -rf .venv .venv-lock .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache staticfiles
