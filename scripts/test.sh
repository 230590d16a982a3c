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

# A domain of our own, so that nodes of someone else on this machine are not heard: the first free
# one from a random start. A domain in use has its discovery port bound.
if [ -z "${ROS_DOMAIN_ID:-}" ]; then
  domain=$((RANDOM % 100 + 1))
  while grep -qi "$(printf ':%04X ' $((7400 + 250 * domain)))" /proc/net/udp 2> /dev/null; do
    domain=$((domain % 100 + 1))
  done
  export ROS_DOMAIN_ID=$domain
fi
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
python -m pytest "$@" || status=1
exit "$status"
