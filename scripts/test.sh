#!/usr/bin/env bash
# Sets up what is missing, then runs ruff, mypy and the tests; exits with 0 only where all pass.
#
#   bash scripts/test.sh [PYTEST ARGUMENTS]       as in: bash scripts/test.sh test/stream -k stitch
#
# Tests that need ../shared, or a peer that is not installed, say so and are skipped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
bash scripts/setup.sh --test || exit
. scripts/env.sh

mkdir -p out
ROS_LOG_DIR=$(mktemp -d "$PWD/out/test-log.XXXXXX") || exit
export ROS_LOG_DIR
trap 'rm -rf "$ROS_LOG_DIR"' EXIT

status=0
printf '== ruff\n'
ruff check . || status=1
printf '== mypy\n'
mypy || status=1
printf '== pytest\n'
if (($#)); then
  python -m pytest "$@" || status=1
else
  # Tests of nodes and commands start processes of their own and wait for them: one after the other.
  alone=(test/ros test/cli)
  OMP_NUM_THREADS=1 python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
    "${alone[@]/#/--ignore=}" || status=1
  python -m pytest "${alone[@]}" || status=1
fi
exit "$status"
