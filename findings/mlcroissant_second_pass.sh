#!/usr/bin/env bash
# mlcroissant 1.1.1: of a FileSet in two archives, `records()` gives every record the first time and none at all the
# second time, without an error or a warning: a second epoch, or a count before reading, is silently empty. Of a FileSet
# in one archive each pass is whole.
# Seen on 2026-11-30: three passes over four files in two tars give 4, 0, 0 records; over two files in one, 2, 2, 2.
# Exits 0 while this is so, 1 once it is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check mlcroissant==1.1.1
cd "$folder"
HOME=$folder "$folder/venv/bin/python" - <<'PYTHON'
import hashlib
import io
import json
import sys
import tarfile
from importlib.metadata import version

import mlcroissant
from mlcroissant._src.core.rdf import make_context

ARCHIVES = ("a.tar", "b.tar")
objects = []
for name in ARCHIVES:
    with tarfile.open(name, "w") as tar:
        for number in range(2):
            member = tarfile.TarInfo(f"{name[0]}{number}.txt")
            member.size = 5
            tar.addfile(member, io.BytesIO(b"hello"))
    digest = hashlib.sha256(open(name, "rb").read()).hexdigest()
    objects.append({
        "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name,
        "encodingFormat": "application/x-tar", "sha256": digest,
    })  # fmt: skip


def passes(archives):
    files = {
        "@type": "cr:FileSet", "@id": "texts", "name": "texts", "encodingFormat": "text/plain",
        "containedIn": [{"@id": name} for name in archives], "includes": "*.txt",
    }  # fmt: skip
    field = {
        "@type": "cr:Field", "@id": "rows/text", "name": "text", "dataType": "sc:Text",
        "source": {"fileSet": {"@id": "texts"}, "extract": {"fileProperty": "content"}},
    }  # fmt: skip
    rows = {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": [field]}
    described = {
        "@context": make_context(), "@type": "sc:Dataset", "name": "x", "description": "x", "url": "https://example.org",
        "license": "CC0-1.0", "version": "1.0.0", "datePublished": "2026-11-30", "citeAs": "x",
        "creator": {"@type": "sc:Organization", "name": "x"}, "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": [*objects, files], "recordSet": [rows],
    }  # fmt: skip
    with open("croissant.json", "w") as file:
        json.dump(described, file)
    data = mlcroissant.Dataset("croissant.json")
    return [sum(1 for _ in data.records("rows")) for _ in range(3)]


found = [passes(ARCHIVES), passes(ARCHIVES[:1])]
print("mlcroissant", version("mlcroissant"), "two archives", found[0], "one archive", found[1])
sys.exit(found != [[4, 0, 0], [2, 2, 2]])
PYTHON
