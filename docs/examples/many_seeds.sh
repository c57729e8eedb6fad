#!/usr/bin/env bash
# Draw a workflow with many seeds, each run in a folder of its own, on a ComfyUI that is running.
#
#     bash many_seeds.sh text-to-image.json 1 8 TipoExpand.tags="planet, wide ring"
#
# The arguments are the workflow in API form, the first seed, the last seed, and changed inputs for
# queue_prompt.py. COMFYUI_URL is the server, http://127.0.0.1:8188 by default; OUTPUT the folder of
# the runs, ./seeds by default; PYTHON a Python 3.10 or newer.
set -euo pipefail

if [ $# -lt 3 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
workflow=$1 first=$2 last=$3
shift 3
if ! [[ $first =~ ^[0-9]+$ && $last =~ ^[0-9]+$ ]] || ((first > last)); then
    echo "seeds $first to $last: write two whole numbers, the smaller one first" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)

for ((seed = first; seed <= last; seed++)); do
    echo "seed $seed"
    # One seed for the words and for the picture. Drop a line to keep that part as it is.
    "${PYTHON:-python3}" "$here/queue_prompt.py" "$workflow" \
        --server "${COMFYUI_URL:-http://127.0.0.1:8188}" \
        --output "${OUTPUT:-seeds}/$seed" \
        TipoExpand.seed="$seed" \
        TipoSampler.seed="$seed" \
        "$@"
done
