"""Weights on disk: one ``.npz`` file that says what network it is, checked before it is used.

A matrix or a kernel may be stored as whole numbers of 8 bits, ``NAME``, with one scale for each of
its outputs, ``NAME.scale``: the weights are their product. Only the steps from -47 to 47 are used,
so that compression leaves some 6.5 bits of each. A fifth of float32's size costs an error of at
most half a step, 1/94 of the largest weight of that output (Jacob and others, "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, section 2,
here with zero at zero). The network itself computes in float32.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nn.layers import Array, Layer
from nn.model import Sequential

FORMAT = 2
"""What ``save`` writes; format 1 is the same without numbers of 8 bits, and is read too."""
SCALE = ".scale"
STEPS = 47
"""The largest whole number that a weight is stored as: more weights in a file tell more than finer
ones."""
MAX_VALUES = 10_000_000
"""No file is read that claims more numbers than this: a hostile header cannot take the memory."""
MAX_METADATA_BYTES = 1_000_000
"""Nor one with more metadata than this, layers included."""
NO_SIZES = {"stride", "padding", "percent"}
"""Arguments of layers on which it does not depend how many numbers these have."""


class WeightsError(ValueError):
    """A weights file that is missing, damaged or not of this program's form."""


def save(
    path: str | os.PathLike[str],
    model: Sequential,
    metadata: Mapping[str, Any],
    dtype: type[np.floating[Any]] | type[np.int8] = np.int8,
) -> None:
    """Write ``model`` and ``metadata`` (JSON values) to ``path``, whole or not at all.

    Numbers are stored as ``dtype``, with int8 those of vectors as float16; the rounding is part of
    what is measured when the saved file is evaluated. The same content gives the same bytes. Raises
    WeightsError, and leaves ``path`` as it was, if a number is not finite or too large for
    ``dtype``, or if ``path`` is a folder; OSError where nothing can be written.
    """
    import tempfile  # here, because the browser only loads, and each import delays its start

    arrays: dict[str, Any] = {}
    for name, array in model.arrays().items():
        stored = _quantized(name, array) if dtype is np.int8 else {name: array}
        for part, values in stored.items():
            if values.dtype.kind == "f":
                with np.errstate(over="ignore"):
                    values = values.astype(np.float16 if dtype is np.int8 else dtype)
                if not np.isfinite(values).all():
                    raise WeightsError(
                        f"{path}: not written: {part} has numbers that {values.dtype} cannot hold"
                    )
            arrays[part] = values
    layers = [{"type": type(layer).__name__, **layer.config()} for layer in model.layers]
    text = json.dumps(dict(metadata) | {"layers": layers}, sort_keys=True, ensure_ascii=False)
    arrays["metadata"] = np.frombuffer(text.encode(), np.uint8)
    arrays["format"] = np.array(FORMAT, np.int64)

    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path}: expected the name of a file, not a folder")
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # it would name a file that nobody asked for
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException as error:
        os.unlink(beside)
        if isinstance(error, OSError) and not error.filename:  # a full disk names no file
            error.filename = str(path)
        raise


def _quantized(name: str, array: Array) -> dict[str, Array]:
    """Return ``array`` as int8 and float16 scales, one an output; a vector as it is."""
    if array.ndim < 2 or not np.isfinite(array).all():
        return {name: array}
    step = np.abs(array).max(axis=tuple(range(array.ndim - 1))) / STEPS
    if not (step <= np.finfo(np.float16).max).all():
        return {name: array}  # which float16 cannot hold either: the caller says so
    # Rounded before it divides, so that the products come out nearest to the weights, and weights
    # that were stored so before are stored so again. Only scales next to 0 round far enough that a
    # step could be beyond the largest.
    scale = np.maximum(step.astype(np.float16), np.finfo(np.float16).smallest_subnormal)
    steps = np.rint(array / scale.astype(np.float32)).clip(-STEPS, STEPS).astype(np.int8)
    return {name: steps, name + SCALE: scale}


def load(path: str | os.PathLike[str]) -> tuple[Sequential, dict[str, Any]]:
    """Read a file that ``save`` wrote: the network in float32, and its metadata.

    Raises WeightsError, which names the file, what was expected and what came.
    """
    arrays = _read_arrays(Path(path))
    found = arrays.pop("format", None)
    if found is None or found.shape != () or found.dtype.kind not in "iu" or found not in (1, 2):
        raise WeightsError(
            f"{path}: expected format 1 or 2, got {_shortly(found)}; write it again by training"
        )
    metadata = _read_metadata(path, arrays.pop("metadata", None))
    model = Sequential(_make_layers(path, metadata["layers"]))

    wanted = model.arrays()
    scales = {name: arrays.pop(name + SCALE, None) for name in wanted}
    if wanted.keys() != arrays.keys():
        odd = _shortly(sorted(wanted.keys() ^ arrays.keys()))
        raise WeightsError(f"{path}: the arrays do not fit the layers; missing or surplus: {odd}")
    for name, target in wanted.items():
        source = arrays[name]
        if source.shape != target.shape:
            raise WeightsError(f"{path}: {name}: expected shape {target.shape}, got {source.shape}")
        scale = scales[name]
        if scale is None and source.dtype.kind != "f":
            raise WeightsError(f"{path}: {name}: expected floating point, got {source.dtype}")
        if scale is not None and (
            source.dtype != np.int8 or scale.dtype.kind != "f" or scale.shape != source.shape[-1:]
        ):
            raise WeightsError(
                f"{path}: {name}: expected int8 and scales of shape {source.shape[-1:]}, "
                f"got {source.dtype} and {scale.dtype} {scale.shape}"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            target[...] = source
            if scale is not None:
                target *= scale.astype(np.float32)
        if not np.isfinite(target).all():
            raise WeightsError(f"{path}: {name}: expected finite numbers, got some that are not")
    return model, metadata


def _read_arrays(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as file:
            head = file.read(2)
            if head != b"PK":  # np.load would go on to try other kinds of file
                raise WeightsError(f"{path}: expected an .npz file, got one that begins {head!r}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                _check_sizes(path, archive.zip)
                return dict(archive.items())
    except FileNotFoundError:
        raise WeightsError(
            f"{path}: no such file; make it with `python -m train` or take it from the repository"
        ) from None
    except WeightsError:
        raise
    except Exception as error:  # np.load raises many kinds on damaged bytes: zlib, zip, EOF, value
        raise WeightsError(
            f"{path}: not a readable .npz weights file ({_shortly(error)})"
        ) from error


def _check_sizes(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse, before memory is taken, members that are or claim to be larger than a network.

    The limit is that of MAX_VALUES float64 numbers.
    """
    limit = MAX_VALUES * 8
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    if total > limit:
        raise WeightsError(f"{path}: unpacks to {total} bytes, at most {limit} are read")
    for entry in entries:
        with archive.open(entry) as member:
            version = np.lib.format.read_magic(member)
            if version != (1, 0):
                raise WeightsError(f"{path}: {_shortly(entry.filename)}: not a plain array")
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        if math.prod(shape) * max(1, dtype.itemsize) > entry.file_size:
            raise WeightsError(
                f"{path}: {_shortly(entry.filename)}: "
                f"claims shape {_shortly(shape)}, but has {entry.file_size} bytes"
            )


def _read_metadata(path: str | os.PathLike[str], encoded: Array | None) -> dict[str, Any]:
    try:
        if encoded is None or encoded.dtype != np.uint8:
            raise ValueError("expected an array `metadata` of bytes")
        if encoded.size > MAX_METADATA_BYTES:
            raise ValueError(f"expected at most {MAX_METADATA_BYTES} bytes, got {encoded.size}")
        metadata = json.loads(encoded.tobytes().decode())
        if not isinstance(metadata, dict) or not isinstance(metadata.get("layers"), list):
            raise ValueError("expected an object with a list `layers`")
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: unreadable metadata ({_shortly(error)})") from error
    return metadata


def _make_layers(path: str | os.PathLike[str], entries: list[Any]) -> list[Layer]:
    layers, values = [], 0
    for index, entry in enumerate(entries):
        try:
            layer = _make_layer(entry)
        except (TypeError, ValueError) as error:
            raise WeightsError(
                f"{path}: cannot make layer {index}, {_shortly(entry)} ({_shortly(error)})"
            ) from error
        values += sum(array.size for array in (layer.params | layer.buffers).values())
        if values > MAX_VALUES:
            raise WeightsError(f"{path}: the layers have more than {MAX_VALUES} numbers")
        layers.append(layer)
    return layers


def _make_layer(entry: Any) -> Layer:
    """Make a layer from ``{"type": "Dense", "inputs": 784, ...}``.

    Raises TypeError or ValueError if it is of another form.
    """
    arguments = dict(entry)
    layer_type = Layer.registry.get(arguments.pop("type", None))
    if layer_type is None:
        raise ValueError(f"expected a type of {sorted(Layer.registry)}")
    if "rng" in arguments:
        raise ValueError("a generator of random numbers cannot be stored")
    if not all(type(value) is int and 0 <= value <= 100_000 for value in arguments.values()):
        raise ValueError("sizes must be whole numbers from 0 to 100000")
    # Before it is made: how many numbers will it have? A kernel is as high as it is wide.
    sizes = [max(1, value) for name, value in arguments.items() if name not in NO_SIZES]
    values = math.prod(sizes) * arguments.get("size", 1)
    if values > MAX_VALUES:
        raise ValueError("too large")
    return layer_type(**arguments)


def _shortly(value: object) -> str:
    """Show what came without letting a hostile file fill the message."""
    text = repr(value) if not isinstance(value, Exception) else str(value)
    return text if len(text) <= 200 else text[:197] + "..."
