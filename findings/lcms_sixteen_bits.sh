#!/usr/bin/env bash
# Little CMS 2.18 (in imagecodecs 2026.3.6): a 16-bit RGB image with a profile of plain curves and primaries comes out up to
# 1.4 levels of 255 wrong in the darks, where its own float32 transform is right to 0.02: for integers it puts a grid in
# place of the curves. Whoever asks for 16 bits to be more exact than 8 is surprised.
# Seen on 2026-11-30: 1.37 of 16-bit integers, 0.02 of float32, greys, gamma 1.8 to sRGB.
# Exits 0 while this is so, 1 once it is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check imagecodecs==2026.3.6 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import struct
from importlib.metadata import version

import imagecodecs
import numpy as np
from PIL import ImageCms

GAMMA = 461 / 256  # as the profile can say it, about 1.8
xyz = lambda *v: b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(x * 65536)) for x in v)
curve = b"curv" + struct.pack(">IIH2x", 0, 1, 461)
tags = {b"wtpt": xyz(0.9642, 1, 0.8249), b"rXYZ": xyz(0.6097, 0.3111, 0.0195), b"gXYZ": xyz(0.2053, 0.6257, 0.0609),
        b"bXYZ": xyz(0.1492, 0.0632, 0.7446), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
for name, data in tags.items():
    table += name + struct.pack(">II", start + len(body), len(data))
    body += data
head = struct.pack(">I4sI4s4s4s12x4s28xIII48x", start + len(body), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp", 0xF6D6, 0x10000, 0xD32D)
profile = head + table + body
srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

grey = np.repeat(np.arange(0, 65536, 7, dtype=np.uint16)[None, :, None], 3, axis=2)
light = (grey / 65535) ** GAMMA
right = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
plain = dict(colorspace="rgb", outcolorspace="rgb", intent=1)
whole = imagecodecs.cms_transform(grey, profile, srgb, outdtype=np.uint16, **plain) / 65535
real = imagecodecs.cms_transform((grey / 65535).astype(np.float32), profile, srgb, outdtype=np.float32, **plain)
errors = [float(255 * np.abs(found - right).max()) for found in (whole, real)]
print(imagecodecs.cms_version(), "imagecodecs", version("imagecodecs"))
print("greatest error of greys, in levels of 255: %.2f of 16-bit integers, %.2f of float32" % tuple(errors))
assert errors[0] > 1 and errors[1] < 0.1, "this version does not do it"
PYTHON
