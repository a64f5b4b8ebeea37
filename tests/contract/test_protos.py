"""The contracts: generated code is fresh and nothing that landed was broken."""

from __future__ import annotations

import subprocess
import sys

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tests.data import ROOT


def test_generated_code_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate_protos.py"), "--check"], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


def test_every_service_and_method_is_documented() -> None:
    """A caller reads what a method returns and fails with in the contract itself."""
    from grpc_tools import protoc

    image = ROOT / ".contracts.bin"
    sources = [str(p.relative_to(ROOT / "protos")) for p in sorted((ROOT / "protos").rglob("*_service.proto"))]
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={ROOT / 'protos'}",
            f"--proto_path={_well_known()}",
            "--include_source_info",
            f"--descriptor_set_out={image}",
            *sources,
        ]
    )
    try:
        files = FileDescriptorSet.FromString(image.read_bytes())
    finally:
        image.unlink(missing_ok=True)
    assert status == 0
    undocumented = []
    for file in files.file:
        comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}
        for index, service in enumerate(file.service):
            paths = {service.name: (6, index)}
            paths |= {f"{service.name}.{m.name}": (6, index, 2, n) for n, m in enumerate(service.method)}
            undocumented += [name for name, path in paths.items() if not comments.get(path)]

    assert undocumented == []


def _well_known() -> str:
    from importlib.resources import files

    return str(files("grpc_tools") / "_proto")
