"""Weights files: what is saved comes back, and a bad file does no more than raise an error."""

from __future__ import annotations

import io
import json
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn import weights
from nn.layers import Array, BatchNorm, Conv2D, Dense, GlobalAvgPool2D, MaxPool2D, ReLU
from nn.model import Sequential
from nn.weights import WeightsError

MEGABYTE = 1 << 20


def network() -> Sequential:
    rng = np.random.default_rng(1)
    layers = [Conv2D(1, 2, rng=rng), BatchNorm(2), ReLU(), MaxPool2D(), GlobalAvgPool2D()]
    return Sequential([*layers, Dense(2, 3, rng)])


LAYERS: list[dict[str, Any]] = [
    {"type": "Conv2D", "inputs": 1, "outputs": 2, "size": 3, "stride": 1, "padding": 1},
    *({"type": "BatchNorm", "channels": 2}, {"type": "ReLU"}, {"type": "MaxPool2D", "size": 2}),
    *({"type": "GlobalAvgPool2D"}, {"type": "Dense", "inputs": 2, "outputs": 3}),
]
"""What the network above is in a file."""


def contents(**changes: Any) -> dict[str, Any]:
    """Return the arrays of a good file, some of them changed; None leaves one out."""
    arrays: dict[str, Any] = dict(network().arrays())
    arrays["format"] = np.array(weights.FORMAT)
    arrays["metadata"] = metadata({"layers": LAYERS})
    arrays |= changes
    return {name: array for name, array in arrays.items() if array is not None}


def metadata(value: Any) -> Array:
    text = value if isinstance(value, str) else json.dumps(value)
    return np.frombuffer(text.encode(), np.uint8)


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_members(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def refused(path: Path) -> str:
    """Load ``path``, which must end in a WeightsError that names it; return the message."""
    with pytest.raises(WeightsError) as caught:
        weights.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message) < 1000
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.npz"


@pytest.fixture(scope="module")
def good_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "weights.npz"
    weights.save(path, network(), {"trained on": "rng"})
    return path.read_bytes()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a path that the examples of one property may write to, one after the other."""
    return tmp_path_factory.mktemp("scratch") / "weights.npz"


# What is saved comes back.


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_saved_network_comes_back(dtype: type[np.floating[Any]], path: Path) -> None:
    saved = network()
    about = {"errors": {"MNIST": 0.4}, "by": "Zoë", "date": "2026-01-31"}
    weights.save(path, saved, about, dtype)
    loaded, loaded_about = weights.load(path)

    assert loaded_about == about | {"layers": LAYERS}
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in saved.layers]
    assert [layer.config() for layer in loaded.layers] == [layer.config() for layer in saved.layers]
    arrays = loaded.arrays()
    assert list(arrays) == list(saved.arrays())
    for name, array in saved.arrays().items():
        assert arrays[name].dtype == np.float32
        assert np.array_equal(arrays[name], array.astype(dtype)), name


def test_eight_bits_miss_a_weight_by_at_most_half_a_step(path: Path) -> None:
    saved = network()
    weights.save(path, saved, {}, np.int8)
    with np.load(path) as stored:
        assert stored["0.weight"].dtype == stored["5.weight"].dtype == np.int8
    loaded = weights.load(path)[0].arrays()
    for name, array in saved.arrays().items():
        if array.ndim == 1:
            assert np.array_equal(loaded[name], array.astype(np.float16)), name
        else:
            largest = np.abs(array).max(axis=tuple(range(array.ndim - 1)))
            assert (np.abs(loaded[name] - array) <= largest / weights.STEPS * 0.502).all(), name


def test_weights_that_were_in_eight_bits_come_back_unchanged(path: Path) -> None:
    weights.save(path, network(), {})
    first = weights.load(path)[0]
    weights.save(path, first, {})
    second = weights.load(path)[0]
    for name, array in first.arrays().items():
        assert np.array_equal(second.arrays()[name], array), name


def test_files_of_the_format_before_this_one_are_read(path: Path) -> None:
    np.savez(path, **contents(format=np.array(1)))
    assert np.array_equal(
        weights.load(path)[0].arrays()["5.weight"], network().arrays()["5.weight"]
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"5.weight": np.zeros((2, 3), np.int8)},  # without a scale
        {"5.weight": np.zeros((2, 3), np.int16), "5.weight.scale": np.ones(3, np.float16)},
        {"5.weight": np.zeros((2, 3), np.int8), "5.weight.scale": np.ones(2, np.float16)},
        {"5.weight": np.zeros((2, 3), np.int8), "5.weight.scale": np.ones(3, np.int8)},
        {"5.weight": np.ones((2, 3), np.int8), "5.weight.scale": np.full(3, np.inf, np.float16)},
        {"5.weight.scale": np.ones(3, np.float16)},
        {"7.weight.scale": np.ones(3, np.float16)},
    ],
)
def test_eight_bits_without_their_scales_are_refused(changes: Any, path: Path) -> None:
    np.savez(path, **contents(**changes))
    assert "5.weight" in refused(path) or "7.weight" in refused(path)


def test_a_loaded_network_answers_as_the_saved_one(path: Path) -> None:
    images = np.random.default_rng(2).random((3, 6, 6, 1), np.float32)
    weights.save(path, network(), {}, np.float32)
    assert np.array_equal(weights.load(path)[0].forward(images), network().forward(images))


def test_the_same_content_gives_the_same_bytes(path: Path) -> None:
    weights.save(path, network(), {"a": 1, "b": 2})
    first = path.read_bytes()
    weights.save(path, network(), {"b": 2, "a": 1})
    assert path.read_bytes() == first
    with zipfile.ZipFile(path) as archive:  # no time of writing in it either
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_saved_file_is_alone_and_anyone_may_read_it(path: Path) -> None:
    weights.save(path, network(), {})
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("place", ["numpy.savez_compressed", "os.fsync", "os.replace"])
def test_a_write_that_fails_leaves_the_old_file_whole(
    error: BaseException, place: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights.save(path, network(), {"version": "old"})
    before = path.read_bytes()

    def fail(file: Any, *_: Any, **__: Any) -> None:
        if place == "numpy.savez_compressed":
            file.write(b"PK, and then the disk was full")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        with pytest.raises(type(error)):
            weights.save(path, network(), {"version": "new"})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("value", [np.nan, np.inf, 70_000.0])
def test_numbers_that_a_file_cannot_hold_are_not_written_over_good_ones(
    value: float, path: Path
) -> None:
    weights.save(path, network(), {})
    before, bad = path.read_bytes(), network()
    bad.layers[-1].params["bias"][0] = value
    with pytest.raises(WeightsError, match=r"not written: 5\.bias .* float16 cannot hold"):
        weights.save(path, bad, {})
    assert path.read_bytes() == before


# What is not a weights file is refused.


def test_a_missing_file_is_refused_with_what_to_do(path: Path) -> None:
    assert "no such file; make it with `python -m train`" in refused(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "not a readable .npz" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an .npz file, got one that begins b''"),
        (b"PK", "not a readable .npz"),
        (b"PK\x03\x04" + bytes(100), "not a readable .npz"),
        (b"PK\x05\x06" + bytes(18), "expected format 1 or 2, got None"),  # an empty archive
        (b"P5 28 28 255 ", "expected an .npz file, got one that begins b'P5'"),
        (npy(np.zeros(3)), r"expected an .npz file, got one that begins b'\x93N'"),
        (pickle.dumps({"weight": [1.0]}), r"expected an .npz file, got one that begins b'\x80"),
    ],
)
def test_another_kind_of_file_is_refused(content: bytes, message: str, path: Path) -> None:
    path.write_bytes(content)
    assert message in refused(path)


def test_random_bytes_are_refused(path: Path) -> None:
    rng = np.random.default_rng(3)
    for size in (1, 10, 1000, 20_000):
        path.write_bytes(rng.bytes(size))
        refused(path)
        path.write_bytes(b"PK\x03\x04" + rng.bytes(size))
        refused(path)


def test_a_file_cut_short_anywhere_is_refused(good_file: bytes, path: Path) -> None:
    for length in {*range(0, len(good_file), 97), len(good_file) - 1}:
        path.write_bytes(good_file[:length])
        refused(path)


class Trap:
    """A pickle of this makes a directory when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("name", ["5.weight", "metadata", "format", "surplus"])
def test_pickled_content_is_refused_and_not_executed(name: str, path: Path) -> None:
    marker = path.parent / "executed"
    trap = np.array([Trap(marker)], object)
    np.savez(path, **contents(**{name: trap}))
    assert "allow_pickle=False" in refused(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("pickled", pickle.dumps(Trap(marker)))
    refused(path)
    path.write_bytes(pickle.dumps(Trap(marker)))
    refused(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "expected format 1 or 2, got None"),
        (np.array(3), "expected format 1 or 2, got array(3)"),
        (np.array([1]), "expected format 1 or 2, got array([1])"),
        (np.array(1.0), "expected format 1 or 2, got array(1.)"),
        (np.array("1"), "expected format 1 or 2, got array('1'"),
        (np.zeros((), [("a", int)]), "expected format 1 or 2, got array((0,)"),
        (np.array("x" * 10_000), "expected format 1 or 2, got array('xxx"),
    ],
)
def test_another_format_is_refused(found: Any, message: str, path: Path) -> None:
    np.savez(path, **contents(format=found))
    assert message in refused(path)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "expected an array `metadata` of bytes"),
        (np.array("{}"), "expected an array `metadata` of bytes"),
        (metadata("{"), "unreadable metadata (Expecting property name"),
        (np.array([255, 254], np.uint8), "unreadable metadata ('utf-8' codec can't decode"),
        (metadata("[" * 200_000), "unreadable metadata (maximum recursion depth exceeded"),
        (metadata([LAYERS]), "expected an object with a list `layers`"),
        (metadata({"layer": LAYERS}), "expected an object with a list `layers`"),
        (metadata({"layers": {"0": LAYERS[0]}}), "expected an object with a list `layers`"),
        (metadata(" " * 1_000_001), "expected at most 1000000 bytes, got 1000001"),
    ],
)
def test_unreadable_metadata_is_refused(found: Any, message: str, path: Path) -> None:
    np.savez(path, **contents(metadata=found))
    assert message in refused(path)


DENSE = {"type": "Dense", "inputs": 2, "outputs": 3}
SIZES = "sizes must be whole numbers from 0 to 100000"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (None, "cannot make layer 0, None ("),
        ("Dense", "cannot make layer 0, 'Dense' ("),
        (["type", "Dense"], "cannot make layer 0, ['type', 'Dense'] ("),
        ({}, "expected a type of ['BatchNorm', 'Conv2D', 'Dense',"),
        ({"type": "Layer"}, "expected a type of ['BatchNorm', 'Conv2D', 'Dense',"),
        ({"type": "os.system", "command": "true"}, "expected a type of ['BatchNorm',"),
        ({"type": ["Dense"]}, "cannot make layer 0, {'type': ['Dense']} ("),
        ({"type": "Dense"}, "missing 2 required positional arguments"),
        (DENSE | {"name": 1}, "unexpected keyword argument 'name'"),
        (DENSE | {"self": 1}, "multiple values for argument 'self'"),
        (DENSE | {"rng": 1}, "a generator of random numbers cannot be stored"),
        (DENSE | {"inputs": "2"}, SIZES),
        (DENSE | {"inputs": 2.0}, SIZES),
        (DENSE | {"inputs": True}, SIZES),
        (DENSE | {"inputs": None}, SIZES),
        (DENSE | {"inputs": [2]}, SIZES),
        (DENSE | {"inputs": -1}, SIZES),
        (DENSE | {"inputs": 10**30}, SIZES),
        (DENSE | {"inputs": 0}, "expected inputs of at least 1, got 0"),
        (DENSE | {"inputs": 100_000, "outputs": 100_000}, "too large"),
        (LAYERS[0] | {"size": 100_000, "padding": 0}, "too large"),
        (LAYERS[0] | {"size": 0}, "expected size of at least 1, got 0"),
        (LAYERS[0] | {"stride": 0}, "expected stride of at least 1, got 0"),
        (LAYERS[0] | {"padding": 100_000}, "expected padding from 0 to 2, got 100000"),
        ({"type": "MaxPool2D", "size": 0}, "expected size of at least 1, got 0"),
        ({"type": "BatchNorm", "channels": 100_001}, SIZES),
        ({"type": "Dense", "note": "x" * 100_000}, "cannot make layer 0, {'type': 'Dense', 'note"),
    ],
)
def test_a_layer_that_cannot_be_is_refused(entry: Any, message: str, path: Path) -> None:
    np.savez(path, **contents(metadata=metadata({"layers": [entry]})))
    assert message in refused(path)


def test_layers_that_are_not_those_of_the_arrays_are_refused(path: Path) -> None:
    np.savez(path, **contents(metadata=metadata({"layers": LAYERS[:-1]})))
    assert "missing or surplus: ['5.bias', '5.weight']" in refused(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"5.bias": None}, "missing or surplus: ['5.bias']"),
        ({"1.mean": None}, "missing or surplus: ['1.mean']"),
        ({"6.weight": np.zeros(2)}, "missing or surplus: ['6.weight']"),
        ({"5.weight": np.zeros((3, 2))}, "5.weight: expected shape (2, 3), got (3, 2)"),
        ({"5.weight": np.zeros(6)}, "5.weight: expected shape (2, 3), got (6,)"),
        ({"5.bias": np.float32(1)}, "5.bias: expected shape (3,), got ()"),
        ({"5.bias": np.zeros(0)}, "5.bias: expected shape (3,), got (0,)"),
        ({"5.bias": np.zeros(3, int)}, "5.bias: expected floating point, got int64"),
        ({"5.bias": np.zeros(3, bool)}, "5.bias: expected floating point, got bool"),
        ({"5.bias": np.zeros(3, complex)}, "5.bias: expected floating point, got complex128"),
        ({"5.bias": np.zeros(3, "U5")}, "5.bias: expected floating point, got <U5"),
        ({"5.bias": np.array([0, np.nan, 0])}, "5.bias: expected finite numbers"),
        ({"5.bias": np.array([0, np.inf, 0], np.float16)}, "5.bias: expected finite numbers"),
        ({"5.bias": np.array([0, 1e300, 0])}, "5.bias: expected finite numbers"),  # not in float32
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    changes: dict[str, Any], message: str, path: Path
) -> None:
    np.savez(path, **contents(**changes))
    assert message in refused(path)


@pytest.mark.parametrize("name", ["5.bias", "format", "metadata"])
def test_a_member_that_is_no_array_is_refused(name: str, path: Path) -> None:
    members = {f"{key}.npy": npy(array) for key, array in contents(**{name: None}).items()}
    write_members(path, members | {name: b"\x01\x00"})
    assert "not a readable .npz" in refused(path)


# What would take the memory is refused before it does.


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Fail a test in which much is asked for, whether or not it is then used."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 90 * MEGABYTE


@pytest.mark.usefixtures("little_memory")
def test_an_archive_that_unpacks_to_more_than_any_network_is_refused(path: Path) -> None:
    write_members(path, {f"{key}.npy": npy(array) for key, array in contents().items()})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("5.zeros.npy", "w") as member,
    ):
        for _ in range(100):
            member.write(bytes(MEGABYTE))
    assert path.stat().st_size < MEGABYTE
    assert "at most 80000000 are read" in refused(path)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("shape", [(10**9,), (10**6, 10**6), (10**30,)])
def test_a_header_that_claims_more_than_is_there_is_refused(
    shape: tuple[int, ...], path: Path
) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    members = {f"{key}.npy": npy(array) for key, array in contents().items()}
    write_members(path, members | {"5.bias.npy": header.getvalue() + bytes(12)})
    assert f"claims shape {shape}" in refused(path)


@pytest.mark.usefixtures("little_memory")
def test_weights_take_no_folders_place(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="expected the name of a file, not a folder"):
        weights.save(tmp_path, Sequential([Dense(2, 2)]), {})
    assert list(tmp_path.iterdir()) == []


def test_a_stride_makes_no_layer_larger(path: Path) -> None:
    weights.save(path, Sequential([Conv2D(256, 256, 7, 2, 3)]), {})
    assert weights.load(path)[0].layers[0].config()["stride"] == 2


def test_layers_that_claim_more_than_any_network_are_refused(path: Path) -> None:
    layers = [{"type": "Dense", "inputs": 1000, "outputs": 5000}] * 1000
    np.savez(path, **contents(metadata=metadata({"layers": layers})))
    assert "the layers have more than 10000000 numbers" in refused(path)


# Damage of any kind ends in an error, or changes only numbers.


def loads_or_is_refused(path: Path) -> None:
    try:
        loaded, about = weights.load(path)
    except WeightsError:
        refused(path)
        return
    assert isinstance(about["layers"], list)
    shapes = {name: array.shape for name, array in network().arrays().items()}
    assert {name: array.shape for name, array in loaded.arrays().items()} == shapes
    assert all(np.isfinite(array).all() for array in loaded.arrays().values())


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_flipped_bytes_of_a_file_are_survived(
    data: st.DataObject, good_file: bytes, scratch: Path
) -> None:
    damaged = bytearray(good_file)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    scratch.write_bytes(damaged)
    loads_or_is_refused(scratch)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_flipped_bytes_behind_the_checksum_are_survived(
    data: st.DataObject, good_file: bytes, scratch: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(good_file)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = data.draw(st.sampled_from(sorted(members)))
    damaged = bytearray(members[name])
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    write_members(scratch, members | {name: bytes(damaged)})
    loads_or_is_refused(scratch)
