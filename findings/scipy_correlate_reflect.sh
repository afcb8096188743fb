#!/usr/bin/env bash
# SciPy 1.17.1: `ndimage.correlate(image, kernel, mode="reflect")` sums the wrong samples once the kernel reaches four
# times the length of an axis beyond it (2 samples and a kernel of 17, 3 and 25, ...): blur kernels on small tiles and
# thumbnails. `correlate1d` of the same line and modes "mirror", "wrap" and "nearest" are right.
# Seen on 2026-11-30: [1, 2] under 1..17 gives [220, 230], right is [221, 230]; the least wrong sizes are 17, 25, 33, 41.
# Exits 0 while this is so, 1 once it is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import scipy
from scipy import ndimage

PADDED = {"reflect": "symmetric", "mirror": "reflect", "wrap": "wrap", "nearest": "edge"}


def by_hand(line, kernel, mode):
    padded = np.pad(line, len(kernel) // 2, mode=PADDED[mode])
    return np.array([padded[start : start + len(kernel)] @ kernel for start in range(len(line))])


print("scipy", scipy.__version__)
line, kernel = np.array([1.0, 2.0]), np.arange(1.0, 18)
print("correlate", ndimage.correlate(line, kernel, mode="reflect"), end=", ")
print("correlate1d", ndimage.correlate1d(line, kernel, mode="reflect"), end=", ")
print("by hand", by_hand(line, kernel, "reflect"))
wrong = {mode: {} for mode in PADDED}
for mode in PADDED:
    for length in (2, 3, 4, 5):
        for size in range(3, 51, 2):
            line, kernel = np.arange(1.0, length + 1), np.arange(1.0, size + 1)
            right = by_hand(line, kernel, mode)
            assert np.allclose(ndimage.correlate1d(line, kernel, mode=mode), right)
            if not np.allclose(ndimage.correlate(line, kernel, mode=mode), right):
                wrong[mode].setdefault(length, size)
print("least wrong kernel by length of the axis:", wrong)
sys.exit(wrong != {"reflect": {2: 17, 3: 25, 4: 33, 5: 41}, "mirror": {}, "wrap": {}, "nearest": {}})
PYTHON
