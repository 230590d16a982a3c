#!/usr/bin/env bash
# Depth from a clip, a video, a folder or a camera, on a machine with or without ROS 2: sets up what
# is missing, starts the nodes, ends with figures, and with pictures under out/.
#
#   bash scripts/demo.sh                            the clip that ships with the project
#   bash scripts/demo.sh FILE|DEVICE|FOLDER         your own: clip.mp4, /dev/video0, images/, ...
#   bash scripts/demo.sh --help                     further options
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bash "$root/scripts/setup.sh"
. "$root/scripts/env.sh"
exec dvd-ros demo --out "$root/out" "$@"
