#!/usr/bin/env bash
# Trains, evaluates and exports on one GPU without supervision, from videos sent in pieces.
#
#   scripts/train_on_gpu.sh PIECES OUT [RECIPE [MINUTES [KEY=VALUE]...]]
#
# PIECES  folder of videos.tar.000, videos.tar.001, ... (a tar of videos, split), and of the wheels of
#         packages that this machine lacks, if any
# OUT     everything made goes here; a second call with the same folder continues
# RECIPE  speednet_s3dg unless told otherwise
# MINUTES of training, 15 unless told otherwise; decoding before and export after come on top
#
# Needs Python 3.11+ with torch and what pip install "speediness[train]" brings, but no network.
# PYTHON names another interpreter than python3. See docs/training.md.
set -euo pipefail

if (($# < 2)); then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
pieces=$1 out=$2 recipe=${3:-speednet_s3dg} minutes=${4:-15}
shift $(($# < 4 ? $# : 4))
settings=()
for setting in "$@"; do
    settings+=(--set "$setting")
done
python=${PYTHON:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
export PYTHONPATH="$root/src:$out/packages${PYTHONPATH:+:$PYTHONPATH}"

if compgen -G "$pieces/*.whl" >/dev/null && [[ ! -e $out/packages ]]; then
    "$python" -m pip install --quiet --no-index --no-deps --no-cache-dir --target "$out/packages.new" "$pieces"/*.whl
    mv "$out/packages.new" "$out/packages"
fi
if [[ ! -e $out/videos ]]; then
    rm -rf "$out/videos.new"
    mkdir "$out/videos.new"
    cat "$pieces"/videos.tar.* | tar --extract --directory "$out/videos.new"
    mv "$out/videos.new" "$out/videos"
fi

# The process itself, so that a signal reaches it and it saves before it stops.
exec "$python" -m speediness.cli.main train "$recipe" \
    --data "$out/videos" --out "$out/run" --minutes "$minutes" --resume "${settings[@]}"
