#!/usr/bin/env bash
# On the GPU machine: installs the wheels that are carried, unpacks MNIST, describes the machine, and runs the stages.
#
#     bash .gpu/on-device.sh [STAGE ...]
#
# Stages and variables: README.md beside this script.
set -u
cd "$(dirname "$0")/../../.." || exit 2
export START=${START:-$(date +%s)} OUT=${OUT:-/tmp/out} WORK=${WORK:-/tmp/on-card} PYTHONUNBUFFERED=1
mkdir -p "$OUT" "$WORK"
if [ -d .gpu/wheels ] && [ ! -d "$WORK/site/pydantic" ]; then
    python3 -m pip install --quiet --no-index --no-deps --no-compile --target "$WORK/site" .gpu/wheels/*.whl \
        >"$OUT/install.log" 2>&1 ||
        for wheel in .gpu/wheels/*.whl; do python3 -m zipfile -e "$wheel" "$WORK/site"; done # a wheel is an archive
fi
export PYTHONPATH="$PWD:$WORK/site${PYTHONPATH:+:$PYTHONPATH}"
if compgen -G ".gpu/mnist/*.gz" >/dev/null; then
    export WORKBENCH_DATA=$WORK/data
    mkdir -p "$WORKBENCH_DATA/MNIST/raw"
    for file in .gpu/mnist/*.gz; do
        unpacked=$WORKBENCH_DATA/MNIST/raw/$(basename "${file%.gz}")
        [ -s "$unpacked" ] || gzip -dc "$file" >"$unpacked"
    done
fi
{
    date -u +%FT%TZ
    uname -r
    nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used,clocks.sm,mig.mode.current --format=csv,noheader
    python3 -c 'import importlib.metadata as m
print(*(f"{name} {m.version(name)}" for name in ("torch", "torchvision", "numpy", "pytest", "pydantic")), sep="; ")'
    python3 --version
} 2>&1 | tee "$OUT/machine.txt"
exec python3 -m tests.gpu.on_card.stages "$@"
