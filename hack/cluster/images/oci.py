"""Builds container images as OCI archives, without docker and with the standard library only.

oci.py layer OUT.tar [--compile] DESTINATION=SOURCE...
    One layer from files and folders. The same content gives the same bytes: sorted names, no times, owner root.
    --compile adds Python bytecode, which a non-root container could not write for itself.
oci.py archive OUT.tar CONFIG LAYER.tar... -- NAME...
    An image of these layers (lowest first) under these names. CONFIG is, as JSON, the "config" object of the OCI image
    configuration (Entrypoint, Env, User, WorkingDir). Writes the manifest's digest to OUT.digest and prints it.
    Of several layers it also makes OUT.top.tar, without the lower ones, for a store that has those; OUT.lower lists their digests.
oci.py digest CONFIG LAYER.tar...
    Prints the digest that such an archive's manifest has, without writing one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import py_compile
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OCI = "application/vnd.oci.image"
SKIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


@dataclass(frozen=True, slots=True)
class Blob:
    """Content addressed by its digest: bytes in memory, or a file for layers."""

    digest: str
    size: int
    content: bytes | Path

    def descriptor(self, media_type: str) -> dict[str, object]:
        return {"mediaType": f"{OCI}.{media_type}", "digest": f"sha256:{self.digest}", "size": self.size}


def json_blob(value: object) -> Blob:
    content = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return Blob(hashlib.sha256(content).hexdigest(), len(content), content)


def layer_blob(path: Path) -> Blob:
    """A layer file; its digest is remembered beside it, because base layers are large and never change."""
    size, note = path.stat().st_size, path.with_name(path.name + ".sha256")
    if not note.exists() or note.stat().st_mtime_ns < path.stat().st_mtime_ns:
        with path.open("rb") as file:
            note.write_text(hashlib.file_digest(file, "sha256").hexdigest())
    return Blob(note.read_text(), size, path)


def add(tar: tarfile.TarFile, name: str, content: bytes | None, mode: int) -> None:
    """One entry; content None makes a folder."""
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    if content is None:
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    else:
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))


def bytecode(source: Path, name: str) -> tuple[str, bytes]:
    """Name and content of the bytecode file of one module; unchecked, so that the times in the image do not matter."""
    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "module.pyc"
        py_compile.compile(
            str(source),
            cfile=str(compiled),
            dfile=f"/{name}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        return importlib.util.cache_from_source(name), compiled.read_bytes()


def files_below(source: Path) -> Iterator[tuple[Path, str]]:
    """Every file of a folder with its relative name, or the file itself with an empty one; sorted."""
    if source.is_file():
        yield source, ""
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and not SKIPPED.intersection(path.parts):
            yield path, "/" + path.relative_to(source).as_posix()


def layer_entries(specs: list[str], *, compiled: bool) -> dict[str, tuple[bytes, int]]:
    entries: dict[str, tuple[bytes, int]] = {}
    for spec in specs:
        destination, source = spec.split("=", 1)
        for path, relative in files_below(Path(source)):
            name = destination.strip("/") + relative
            entries[name] = path.read_bytes(), 0o755 if path.stat().st_mode & 0o111 else 0o644
            if compiled and path.suffix == ".py":
                pyc, content = bytecode(path, name)
                entries[pyc] = content, 0o644
    return entries


def write_layer(out: Path, specs: list[str], *, compiled: bool) -> None:
    entries = layer_entries(specs, compiled=compiled)
    folders = sorted({str(parent) for name in entries for parent in Path(name).parents} - {"."})
    with tarfile.open(out, "w") as tar:
        for folder in folders:
            add(tar, folder, None, 0o1777 if folder == "tmp" else 0o755)
        for name, (content, mode) in sorted(entries.items()):
            add(tar, name, content, mode)


def manifest_of(config: dict[str, object], layers: list[Blob]) -> tuple[Blob, Blob]:
    """The manifest and the configuration that it names."""
    configuration = json_blob(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        }
    )
    manifest = json_blob(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": configuration.descriptor("config.v1+json"),
            "layers": [layer.descriptor("layer.v1.tar") for layer in layers],
        }
    )
    return manifest, configuration


def pack(out: Path, index: Blob, blobs: list[Blob]) -> None:
    assert isinstance(index.content, bytes)
    with tarfile.open(out, "w") as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}', 0o644)
        add(tar, "index.json", index.content, 0o644)
        for blob in {blob.digest: blob for blob in blobs}.values():
            entry = tarfile.TarInfo(f"blobs/sha256/{blob.digest}")
            entry.size = blob.size
            with io.BytesIO(blob.content) if isinstance(blob.content, bytes) else blob.content.open("rb") as content:
                tar.addfile(entry, content)


def write_archive(out: Path, config: dict[str, object], layers: list[Blob], names: list[str]) -> str:
    manifest, configuration = manifest_of(config, layers)
    index = json_blob(
        {
            "schemaVersion": 2,
            "manifests": [
                {
                    **manifest.descriptor("manifest.v1+json"),
                    "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rsplit(":", 1)[1]},
                }
                for name in names
            ],
        }
    )
    pack(out, index, [*layers, configuration, manifest])
    if len(layers) > 1:
        pack(out.with_suffix(".top.tar"), index, [layers[-1], configuration, manifest])
        out.with_suffix(".lower").write_text("".join(f"sha256:{layer.digest}\n" for layer in layers[:-1]))
    digest = f"sha256:{manifest.digest}"
    out.with_suffix(".digest").write_text(digest + "\n")
    return digest


def main(arguments: list[str]) -> None:
    match arguments:
        case ["layer", out, "--compile", *specs]:
            write_layer(Path(out), specs, compiled=True)
        case ["layer", out, *specs]:
            write_layer(Path(out), specs, compiled=False)
        case ["archive", out, config, *rest] if "--" in rest:
            split = rest.index("--")
            layers = [layer_blob(Path(layer)) for layer in rest[:split]]
            print(write_archive(Path(out), json.loads(config), layers, rest[split + 1 :]))
        case ["digest", config, *layer_paths]:
            manifest, _ = manifest_of(json.loads(config), [layer_blob(Path(layer)) for layer in layer_paths])
            print(f"sha256:{manifest.digest}")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
