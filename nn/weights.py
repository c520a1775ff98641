"""Weights on disk: one ``.npz`` file that says what network it is, checked before anything is believed."""

from __future__ import annotations

import json
import math
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nn.layers import Array, Layer
from nn.model import Sequential

FORMAT = 1
MAX_VALUES = 10_000_000
"""No file is read that claims more numbers than this: a hostile header cannot take the memory."""


class WeightsError(ValueError):
    """A weights file that is missing, damaged or not of this program's form."""


def save(
    path: str | os.PathLike[str],
    model: Sequential,
    metadata: Mapping[str, Any],
    dtype: type[np.floating[Any]] = np.float16,
) -> None:
    """Write ``model`` and ``metadata`` (JSON values) to ``path``, whole or not at all.

    Numbers are stored as ``dtype``; float16 halves the file, and its rounding is part of what is measured
    when the saved file is evaluated. The same content gives the same bytes.
    """
    arrays = {name: array.astype(dtype) for name, array in model.arrays().items()}
    layers = [{"type": type(layer).__name__, **layer.config()} for layer in model.layers]
    text = json.dumps(dict(metadata) | {"layers": layers}, sort_keys=True, ensure_ascii=False)
    arrays["metadata"] = np.frombuffer(text.encode(), np.uint8)
    arrays["format"] = np.array(FORMAT, np.int64)

    path = Path(path)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def load(path: str | os.PathLike[str]) -> tuple[Sequential, dict[str, Any]]:
    """Read a file that ``save`` wrote: the network in float32, and its metadata.

    Raises WeightsError, which names the file, what was expected and what came.
    """
    arrays = _read_arrays(Path(path))
    found = arrays.pop("format", None)
    if found is None or found.shape != () or found != FORMAT:
        raise WeightsError(f"{path}: expected format {FORMAT}, got {found}; write it again by training")
    metadata = _read_metadata(path, arrays.pop("metadata", None))
    model = Sequential([_make_layer(path, entry) for entry in metadata["layers"]])

    wanted = model.arrays()
    if wanted.keys() != arrays.keys():
        odd = sorted(wanted.keys() ^ arrays.keys())
        raise WeightsError(f"{path}: the arrays do not fit the layers listed; missing or surplus: {odd}")
    for name, target in wanted.items():
        source = arrays[name]
        if source.shape != target.shape:
            raise WeightsError(f"{path}: {name}: expected shape {target.shape}, got {source.shape}")
        if source.dtype.kind != "f" or not np.isfinite(source).all():
            raise WeightsError(f"{path}: {name}: expected finite floating-point numbers")
        target[...] = source
    return model, metadata


def _read_arrays(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise WeightsError(f"{path}: expected an .npz file of several arrays, got a single array")
            _check_sizes(path, file)
            return dict(file.items())
    except FileNotFoundError:
        raise WeightsError(
            f"{path}: no such file; make it with `python -m train` or take it from the repository"
        ) from None
    except WeightsError:
        raise
    except Exception as error:  # np.load raises many kinds on damaged bytes: zlib, zip, EOF, value
        raise WeightsError(f"{path}: not a readable .npz weights file ({error})") from error


def _check_sizes(path: Path, file: Any) -> None:
    """Refuse an archive that unpacks to more than a network of MAX_VALUES float64 numbers."""
    archive: zipfile.ZipFile = file.zip
    total = sum(entry.file_size for entry in archive.infolist())
    if total > MAX_VALUES * 8:
        raise WeightsError(f"{path}: unpacks to {total} bytes, at most {MAX_VALUES * 8} are read")


def _read_metadata(path: str | os.PathLike[str], encoded: Array | None) -> dict[str, Any]:
    try:
        if encoded is None or encoded.dtype != np.uint8:
            raise ValueError("expected an array `metadata` of bytes")
        metadata = json.loads(encoded.tobytes().decode())
        if not isinstance(metadata, dict) or not isinstance(metadata.get("layers"), list):
            raise ValueError("expected an object with a list `layers`")
    except ValueError as error:
        raise WeightsError(f"{path}: unreadable metadata ({error})") from error
    return metadata


def _make_layer(path: str | os.PathLike[str], entry: Any) -> Layer:
    """Make a layer from ``{"type": "Dense", "inputs": 784, ...}``."""
    try:
        arguments = dict(entry)
        layer_type = Layer.registry[arguments.pop("type")]
        if not all(type(value) is int and 0 <= value <= 100_000 for value in arguments.values()):
            raise ValueError("sizes must be whole numbers from 0 to 100000")
        if math.prod(max(1, value) for value in arguments.values()) > MAX_VALUES:
            raise ValueError("too large")
        return layer_type(**arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: cannot make layer {entry!r} ({error})") from error
