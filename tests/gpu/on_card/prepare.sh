#!/usr/bin/env bash
# Fills .gpu/ in the project's root with what the GPU machine lacks: wheels, MNIST, and the command to run there.
#
#     [MNIST=FOLDER] bash tests/gpu/on_card/prepare.sh
#
# Run it where there is a network. MNIST: the folder with MNIST's files; if left out, MNIST/raw in WORKBENCH_DATA.
# Git ignores .gpu/ (.git/info/exclude): carry it along with the working tree.
set -euo pipefail
cd "$(dirname "$0")/../../.."
kit=tests/gpu/on_card

exclude=$(git rev-parse --git-path info/exclude)
mkdir -p "$(dirname "$exclude")" .gpu/wheels .gpu/mnist
grep -qxF /.gpu/ "$exclude" 2>/dev/null || echo /.gpu/ >>"$exclude"

# Anew each time: of two versions of a package pip would install neither.
rm -f .gpu/wheels/*.whl
platforms=()
for version in 34 31 28 27 24 17; do platforms+=(--platform "manylinux_2_${version}_x86_64"); done
python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
    "${platforms[@]}" --platform manylinux2014_x86_64 --platform manylinux1_x86_64 \
    --dest .gpu/wheels --requirement "$kit/wheels.txt"

mnist=${MNIST:-${WORKBENCH_DATA:-.}/MNIST/raw}
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    packed=.gpu/mnist/$name-ubyte.gz
    if [ -s "$packed" ]; then continue; fi
    if [ -f "$mnist/$name-ubyte" ]; then
        gzip -9 -n -c "$mnist/$name-ubyte" >"$packed"
    else
        echo "there is no $mnist/$name-ubyte: MNIST is not carried, and what needs it fails there" >&2
        break
    fi
done

cat >.gpu/on-device.sh <<'SCRIPT'
#!/usr/bin/env bash
exec bash "$(dirname "$0")/../tests/gpu/on_card/on-device.sh" "$@"
SCRIPT

python3 -m tests.gpu.on_card.packages
echo "carried in .gpu: $(du -sh .gpu | cut -f1), $(ls .gpu/wheels | wc -l) wheels, $(ls .gpu/mnist | wc -l) files of MNIST"
