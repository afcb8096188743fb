"""Whether an encoder's bytes are the same on every processor: the installed wheels on emulated
processors, with and without SIMD, in threads and in processes of their own.

    apt install qemu-user
    python -m benchmarks.encoder_bytes
    python -m benchmarks.encoder_bytes --python "arm64=qemu-aarch64 -L ROOT ROOT/usr/bin/python3.11"

`--python` names another Python, here one for arm64 under ROOT; its packages are taken from
`--packages arm64=FOLDER`.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.common import Row, row, save
from pairmill.pipeline.images.encode import encode
from pairmill.pipeline.images.jpeg_xl import EFFORT
from pairmill.schemas.shard import Encoding

ENCODINGS: tuple[Encoding, ...] = ("fast", "small")
PROCESSORS = {
    "SSE4.2 (Nehalem)": "Nehalem",
    "AVX2 (Haswell)": "Haswell",
    "no carry-less product": "max,-pclmulqdq",
}
"""Models of qemu, by what they are like. The least has SSE4.2, as the wheels of numpy want."""
SIZES = ((1, 1), (37, 31), (5, 17), (64, 64), (100, 9), (128, 130))


def picture(height: int, width: int, kind: int) -> bytes:
    """Bytes of an (height, width, 3) image that needs no numpy: flat, a ramp, noise on a ramp."""
    state, pixels = 12345 + kind, bytearray()
    for place in range(height * width * 3):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        ramp = (place // 3 % width + place // 3 // width) * (kind > 0)
        pixels.append((ramp + (state >> 16) % (1 + 20 * (kind > 1))) & 255)
    return bytes(pixels)


PROGRAM = f"""
import hashlib, json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])

{inspect.getsource(picture)}

def fast():
    import fpng
    return lambda pixels, height, width: fpng.from_bytes(pixels, width, height, 3)

def small():
    import numpy, imagecodecs
    return lambda pixels, height, width: imagecodecs.jpegxl_encode(
        numpy.frombuffer(pixels, numpy.uint8).reshape(height, width, 3), lossless=True, effort={EFFORT}, numthreads=1
    )

found = {{}}
for make in (fast, small):
    try:
        encode = make()
    except ImportError:
        continue
    digest = hashlib.sha256()
    for height, width in {SIZES!r}:
        for kind in range(3):
            digest.update(encode(picture(height, width, kind), height, width))
    found[make.__name__] = digest.hexdigest()
print(json.dumps(found))
"""  # noqa: E501
"""What another processor runs: the encoders alone, without this project."""


def here(encoding: Encoding) -> str:
    """Digest of all pictures, encoded in this process as a build does it."""
    digest = hashlib.sha256()
    for height, width in SIZES:
        for kind in range(3):
            pixels = np.frombuffer(picture(height, width, kind), np.uint8)
            digest.update(encode(pixels.reshape(height, width, 3), encoding))
    return digest.hexdigest()


def elsewhere(command: list[str], packages: str) -> dict[str, str]:
    """Digests by another Python, of the encoders that it has."""
    done = subprocess.run(
        [*command, "-I", "-S", "-c", PROGRAM, packages],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}: {done.stderr[-500:]}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print and save who makes the same bytes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--python", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--packages", action="append", default=[], metavar="NAME=FOLDER")
    arguments = parser.parse_args()
    own, packages = str(Path(sys.executable).resolve()), sysconfig.get_paths()["purelib"]
    commands = {"another process": [own]}
    if shutil.which("qemu-x86_64"):
        commands |= {
            name: ["qemu-x86_64", "-cpu", model, own] for name, model in PROCESSORS.items()
        }
    folders = dict.fromkeys(commands, packages)
    commands |= {
        name: shlex.split(command)
        for name, command in (text.split("=", 1) for text in arguments.python)
    }
    folders |= dict(text.split("=", 1) for text in arguments.packages)
    rows = []
    digests = {encoding: here(encoding) for encoding in ENCODINGS}
    for encoding, wanted in digests.items():
        with ThreadPoolExecutor(8) as pool:
            same = set(pool.map(here, [encoding] * 16)) == {wanted}
        rows.append(_row(encoding, "eight threads", wanted, same=same))
    for name, command in commands.items():
        found = elsewhere(command, folders[name])
        for encoding, wanted in digests.items():
            if encoding in found:
                same = found[encoding] == wanted
                rows.append(_row(encoding, name, found[encoding], same=same))
    for item in rows:
        print(f"{item['what']:<8} {item['against']:<24} {item['detail'][:16]} {item['reached']}")
    print(f"saved {save(rows, 'encoder_bytes')}")


def _row(encoding: str, where: str, digest: str, *, same: bool) -> Row:
    return row(encoding, where, float(same), "1", reached=same, detail=digest)


if __name__ == "__main__":
    main()
