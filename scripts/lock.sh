#!/usr/bin/env bash
# Writes requirements/locked.txt: what the demo and a robot need, each package at one version and with
# the hashes of its files, for `bash scripts/setup.sh --locked`. Run it after requirements/ changed.
#
#   bash scripts/lock.sh        takes uv: pip install uv
#
# One file for Python 3.10 and later. PyTorch is not in it: which build of it comes, an index decides.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/locked_groups.sh
command -v uv > /dev/null || { echo 'lock: uv is not installed: pip install uv' >&2; exit 1; }

files=()
for group in "${locked_groups[@]}"; do files+=("requirements/$group.txt"); done
{
  echo '# Made by scripts/lock.sh of: '"${files[*]#requirements/}"'. Do not edit.'
  uv pip compile "${files[@]}" --universal --python-version 3.10 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet
} > requirements/locked.txt.new
mv requirements/locked.txt.new requirements/locked.txt
