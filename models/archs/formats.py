"""What a file is that is no checkpoint of weights: formats in which programs are deployed."""

from __future__ import annotations

import io
import re
import zipfile

BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"7767517", "an ncnn .param file, whose .bin file is not beside it under its name"),
    (b"\x47\x6b\x30\x01", "an ncnn .bin file, whose .param file is not beside it under its name"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras and others write"),
    (b"GGUF", "a GGUF file"),
    (b"<?xml", "an XML file, as the structure of an OpenVINO network"),
    (b"version https://git-lfs", "a pointer of Git LFS in place of the file"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)
"""First bytes, and what begins so. ncnn's first array may also be of float32: its tag is 0."""
ONNX = re.compile(rb"^\x08[\x01-\x20]\x12.[\x20-\x7e]{1,64}[\x1a\x22\x28\x32\x3a]")
"""As protobuf: version of the format, name of the program that wrote it, and the next field."""
MEMBERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(^|/)code/.*\.py$|(^|/)constants\.pkl$"), "a TorchScript archive, a program"),
    (re.compile(r"(^|/)archive_format$|(^|/)models/.*\.json$"), "an archive of torch.export"),
    (re.compile(r"\.npy$"), "an archive of numpy (.npz)"),
)
"""Members of a zip, and what has them."""


def format_of(data: bytes) -> str | None:
    """The format of a file that is none of safetensors and pickles of weights, in words; none where
    it is not known. Nothing in it is executed.
    """
    for beginning, words in BEGINNINGS:
        if data[:64].lstrip()[: len(beginning)] == beginning:
            return words
    if data[4:8] == b"TFL3":
        return "a TensorFlow Lite file"
    if ONNX.match(data[:128]):
        return "an ONNX file"
    if data.startswith(b"PK"):
        return _of_zip(data)
    return None


def _of_zip(data: bytes) -> str | None:
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return None
    return next((words for sign, words in MEMBERS if any(map(sign.search, names))), None)
