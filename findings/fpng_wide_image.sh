#!/usr/bin/env bash
# fpng 0.1.0: an image of more than 65,535 pixels a side is encoded without an error, though the library allows up to
# 2^24, and its header has only the low 16 bits of the side: a PNG of 70,000 x 2 says that it is 4,464 x 2. Its
# checksums are right. The pixels are all there, but no reader finds them: Pillow opens it as 4,464 x 2 and fails.
# Seen on 2026-11-30: header 4464 x 2; Pillow 13.0.0: "unrecognized data stream contents when reading image file".
# Exits 0 while this is so, 1 once fpng writes the width or refuses.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check fpng==0.1.0 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import io
import struct
import sys
import zlib

import fpng
import numpy as np
import PIL
from PIL import Image

print("fpng", fpng.__version__, "Pillow", PIL.__version__)
same = []
for width in (65_535, 65_536 + 4_464):
    image = np.arange(2 * width * 3, dtype=np.uint32).astype(np.uint8).reshape(2, width, 3)
    data = fpng.from_bytes(image.tobytes(), width, 2, 3)
    stated, height = struct.unpack(">II", data[16:24])
    whole = zlib.crc32(data[12:29]) == int.from_bytes(data[29:33], "big")
    with Image.open(io.BytesIO(data)) as opened:
        size = opened.size
        try:
            same.append(np.array_equal(np.asarray(opened), image))
            told = "no error"
        except OSError as error:
            same.append(False)
            told = str(error)
    print(f"given {width} x 2: header {stated} x {height}, its checksum right: {whole};", end=" ")
    print(f"Pillow opens {size[0]} x {size[1]}, {told}, equal to the image: {same[-1]}")
sys.exit(same != [True, False] or stated != 4_464)
PYTHON
