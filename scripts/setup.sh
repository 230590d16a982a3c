#!/usr/bin/env bash
# Makes .venv with all that the demo needs (no ROS 2 needs to be installed, and no PyTorch), with
# --torch also what other models than the shipped one need, or, with --test, all that the tests need
# (where apt-get asks for no password also a headless browser, chromium-headless-shell, once);
# with --locked the same as without, but each package at the one version and with the hash that
# requirements/locked.txt states.
# scripts/demo.sh and scripts/test.sh call it; a second run returns at once.
#
#   bash scripts/setup.sh [--torch | --test | --locked]
#
#   PYTHON=python3.12 bash scripts/setup.sh     a new .venv with this Python (default: the first of 3.10-3.12)
#
# Packages come through pip, with pip's own settings (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, ...), so a
# smaller build of PyTorch, without CUDA, comes by naming an index that has one. What was installed
# is written down under .venv/setup/; delete .venv to begin anew. Log of the last run: .venv/setup/log.
#
# The sources are not copied into .venv: it names this tree, so what you edit is what runs.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=$root/.venv
stamps=$venv/setup
torch=torch==2.13.0

groups=(core runtime ros build)
case "${1-}" in
  '') ;;
  --torch) groups+=(torch) ;;
  --test) groups+=(torch test) ;;
  --locked) groups=(locked) ;;
  *) echo "setup: unknown argument '$1'; usage: bash scripts/setup.sh [--torch | --test | --locked]" >&2
     exit 2 ;;
esac

say() { printf '[setup] %s\n' "$*"; }
fail() { printf '[setup] error: %s\n' "$*" >&2; exit 1; }

# Runs a long command with its output in the log; on a terminal one line shows how long it has run.
step() {
  local title=$1 begin=$SECONDS job
  shift
  say "$title ..."
  printf '\n== %s: %s\n' "$title" "$*" >> "$stamps/log"
  "$@" >> "$stamps/log" 2>&1 < /dev/null &
  job=$!
  # An interrupt from the keyboard does not reach a background job of a script by itself.
  trap 'kill "$job" 2> /dev/null; exit 130' INT TERM
  while kill -0 "$job" 2> /dev/null; do
    if [ -t 1 ]; then
      printf '\r\033[K[setup]   %3d s  %s' $((SECONDS - begin)) \
        "$(tail -n 1 "$stamps/log" | tr -d '\r' | cut -c 1-70)"
    fi
    sleep 0.2
  done
  trap - INT TERM
  [ -t 1 ] && printf '\r\033[K'
  if ! wait "$job"; then
    tail -n 25 "$stamps/log" >&2
    fail "$title failed; the whole log: .venv/setup/log"
  fi
  say "  done in $((SECONDS - begin)) s"
}

# Installs Debian packages where that needs no password; else says what to type.
install_system() {
  say "missing on this machine: $*"
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    say 'installing them with apt-get ...'
    apt-get update -qq < /dev/null > /dev/null || fail 'apt-get update failed'
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
      < /dev/null > /dev/null || fail "apt-get install $* failed"
  else
    fail "install them and run this again:   sudo apt-get install -y $*"
  fi
}

# The tests of the live view want a browser; where none can be had they are skipped.
want_browser() {
  local one as=()
  # Asked once: each time would cost an apt-get update where there is none.
  [ ! -e "$stamps/browser" ] || return 0
  for one in chromium-headless-shell chrome-headless-shell chromium google-chrome chromium-browser; do
    command -v "$one" > /dev/null && return
  done
  command -v apt-get > /dev/null || return 0
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2> /dev/null || return 0
    as=(sudo -n)
  fi
  : > "$stamps/browser"
  say 'installing chromium-headless-shell with apt-get, for the tests of the live view ...'
  { "${as[@]}" apt-get update -qq && "${as[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends chromium-headless-shell; } \
    < /dev/null >> "$stamps/log" 2>&1 || say '  there is none for this system: their tests are skipped'
}

version_of() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null
}

find_python() {
  local candidate version newer=
  for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.10 python3.13 python3.14}; do
    version=$(version_of "$candidate") || continue
    case "$version" in
      3.10 | 3.11 | 3.12) python=$candidate; return 0 ;;
      3.1[3-9]) newer=${newer:-$candidate} ;;
    esac
  done
  [ -n "$newer" ] || return 1
  python=$newer
  say "warning: $newer is Python $(version_of "$newer"); tested are 3.10 to 3.12"
}

make_venv() {
  local missing=() version
  if ! find_python; then
    [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is no Python 3.10 or later that runs"
    install_system python3 python3-venv python3-dev g++
    find_python || fail 'no Python 3.10 to 3.12 here; install one, or name it: PYTHON=/path/to/python3'
  fi
  version=$(version_of "$python")
  "$python" -c 'import ensurepip, venv' 2> /dev/null || missing+=("python$version-venv")
  [ ${#missing[@]} = 0 ] || install_system "${missing[@]}"
  say "making .venv with Python $version"
  "$python" -m venv --clear "$venv" || fail "$python -m venv failed"
  mkdir -p "$stamps"
}

# The generated message is C and C++ for CPython: it takes a compiler and Python's headers.
need_compiler() {
  local missing=()
  { command -v "${CXX:-c++}" && command -v "${CC:-cc}"; } > /dev/null || missing+=(g++)
  "$venv/bin/python" - << 'EOF' || missing+=("python$(version_of "$venv/bin/python")-dev")
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')))
EOF
  [ ${#missing[@]} = 0 ] || install_system "${missing[@]}"
}

# One number for the content of files.
fingerprint() {
  cat "$@" | sha256sum | cut -d ' ' -f 1
}

is_current() { # name, fingerprint
  [ "$(cat "$stamps/$1" 2> /dev/null)" = "$2" ]
}

install_packages() {
  local group files=()
  for group in "${groups[@]}"; do files+=(-r "requirements/$group.txt"); done
  local pip=("$venv/bin/python" -m pip install --disable-pip-version-check --no-input
    --progress-bar off)
  # PyTorch first and alone: asked for by another package, another and larger build may come.
  [[ " ${groups[*]} " != *' torch '* ]] || is_current torch "$torch" || {
    step 'installing PyTorch (minutes; a build with CUDA downloads some GB)' "${pip[@]}" "$torch"
    echo "$torch" > "$stamps/torch"
  }
  [ "${groups[0]}" != locked ] || pip+=(--require-hashes)
  step 'installing ROS 2 from wheels and the other packages' "${pip[@]}" "${files[@]}"
}

build_messages() {
  local build=$stamps/build site
  step 'configuring the messages' cmake -S "$root" -B "$build" --fresh -G Ninja \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$venv" -DBUILD_TESTING=OFF \
    -DDVD_ROS_INSTALL_SOURCES=OFF -DPython3_EXECUTABLE="$venv/bin/python3"
  step 'building the messages' cmake --build "$build"
  # A copy of the package that pip once put here would shadow the tree.
  if "$venv/bin/python" -m pip show -q dvd_ros > /dev/null 2>&1; then
    "$venv/bin/python" -m pip uninstall -y -q dvd_ros >> "$stamps/log" 2>&1
  fi
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  rm -rf "$site"/dvd_ros "$site"/dvd_ros-*.egg-info
  step 'installing the messages' cmake --install "$build"
  # Regular packages win over the folder of generated modules, so this tree is dvd_ros.
  echo "$root" > "$site/dvd_ros_source.pth"
}

exec 9< "$root"
if command -v flock > /dev/null && ! flock -n 9; then
  say 'another setup is at work in this tree; waiting for it ...'
  flock 9
fi

if [ -n "${ROS_DISTRO:-}" ]; then
  say "ROS 2 $ROS_DISTRO is sourced here and stays as it is: .venv has a ROS 2 of its own."
  say "  To use yours, build with colcon; see the README."
fi

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -I -S -c '' 2> /dev/null; then
  make_venv
fi
mkdir -p "$stamps"
. "$root/scripts/env.sh"

sources=(CMakeLists.txt package.xml cmake/* msg/* srv/* requirements/build.txt requirements/ros.txt)
while IFS= read -r file; do sources+=("$file"); done \
  < <(find launch config -type f ! -name '*.pyc' 2> /dev/null | sort)
messages="$root $(fingerprint "${sources[@]}")"
packages=$(fingerprint requirements/*.txt)
name=packages-${groups[-1]}

# Asked for now, and not after minutes of downloads.
is_current messages "$messages" || need_compiler
# What a larger choice of packages holds is there, too.
larger=("$name" packages-test)
[ "$name" != packages-build ] || larger+=(packages-torch packages-locked)
# Other versions than the locked ones may be there.
[ "$name" != packages-locked ] || larger=("$name")
there=
for one in "${larger[@]}"; do is_current "$one" "$packages" && there=1; done
if [ -z "$there" ]; then
  : > "$stamps/log"
  install_packages
  echo "$packages" > "$stamps/$name"
fi
[ "${1-}" != --test ] || want_browser
if ! is_current messages "$messages"; then
  build_messages
  echo "$messages" > "$stamps/messages"
fi
