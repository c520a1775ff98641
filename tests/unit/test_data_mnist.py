"""MNIST: found where it may lie, downloaded from a real server only if its content is right."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.sample import idx_bytes, mnist_is_here, write_mnist
from train.data import DataError, Mnist, fetch_mnist, load_mnist, mnist, places
from train.sources.mnist import read_mnist

NAMES = tuple(mnist.SHA256)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_mnist(tmp_path / "sample", 20, 10)


@pytest.fixture
def mirror(sample: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on this computer that has the sample, whose hashes are taken for MNIST's own."""
    hashes = {
        name: hashlib.sha256(gzip.decompress((sample / f"{name}.gz").read_bytes())).hexdigest()
        for name in NAMES
    }
    monkeypatch.setattr(mnist, "SHA256", hashes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(sample)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer without data: the project, the cache and `$DIGITS_DATA` are empty folders."""
    monkeypatch.setattr(places, "PROJECT", tmp_path / "empty" / "project")
    monkeypatch.setenv("DIGITS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DIGITS_DATA", str(tmp_path / "own"))
    return tmp_path


def assert_sample(data: Mnist) -> None:
    assert data.train_images.shape == (20, 28, 28)
    assert data.train_labels.shape == (20,)
    assert data.test_images.shape == (10, 28, 28)
    assert data.test_labels.shape == (10,)
    assert all(array.dtype == np.uint8 for array in data)


@pytest.mark.parametrize("compress", [True, False])
def test_the_four_files_are_read_gzip_or_not(tmp_path: Path, compress: bool) -> None:
    assert_sample(load_mnist(write_mnist(tmp_path, 20, 10, compress)))


def test_file_names_with_a_point_are_found(tmp_path: Path) -> None:
    for path in write_mnist(tmp_path, 20, 10, compress=False).iterdir():
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert_sample(load_mnist(tmp_path))


@pytest.mark.parametrize("place", ["own/mnist", "empty/project/data/mnist",
                                   "empty/shared/data/mnist", "cache/mnist"])  # fmt: skip
def test_each_place_is_searched(nowhere: Path, place: str) -> None:
    write_mnist(nowhere / place, 20, 10)
    assert_sample(load_mnist())


def test_the_users_folder_comes_first(nowhere: Path) -> None:
    write_mnist(nowhere / "cache/mnist", 30, 10)
    write_mnist(nowhere / "own/mnist", 20, 10)
    assert_sample(load_mnist())


def test_a_folder_that_lacks_a_file_is_passed_over(nowhere: Path) -> None:
    write_mnist(nowhere / "cache/mnist", 20, 10)
    write_mnist(nowhere / "own/mnist", 30, 10)
    (nowhere / "own/mnist/t10k-labels-idx1-ubyte.gz").unlink()
    assert_sample(load_mnist())


def test_a_missing_file_in_a_named_folder_is_asked_for_by_name(sample: Path) -> None:
    (sample / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError) as caught:
        load_mnist(sample)
    assert f"Put these files, gzip (.gz) or not, into {sample}:" in str(caught.value)
    assert "t10k-labels-idx1-ubyte" in str(caught.value)
    assert "train-images" not in str(caught.value)
    assert "only 3 of the 4 files" in str(caught.value)


def test_missing_data_are_downloaded_into_the_cache_once(
    nowhere: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", (mirror,))
    assert_sample(load_mnist())
    cache = nowhere / "cache/mnist"
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{name}.gz" for name in NAMES)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    assert_sample(load_mnist())


def test_a_run_that_downloads_says_so(
    nowhere: Path,
    mirror: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", (mirror,))
    assert len(read_mnist().test.images) == 10
    assert capsys.readouterr().err.splitlines() == [
        f"downloading {mirror}{name}.gz" for name in NAMES
    ]
    read_mnist()
    assert capsys.readouterr().err == ""


def test_a_failed_download_says_what_to_put_where(
    nowhere: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", (f"{mirror}none/",))
    with pytest.raises(DataError) as caught:
        load_mnist()
    message = str(caught.value)
    assert f"Put these files, gzip (.gz) or not, into {nowhere / 'own/mnist'}:" in message
    assert all(name in message for name in NAMES)
    assert str(nowhere / "cache/mnist") in message
    assert f"{mirror}none/train-images-idx3-ubyte.gz: HTTP Error 404: File not found" in message


def test_the_next_mirror_is_tried_when_one_has_other_bytes(
    tmp_path: Path, sample: Path, mirror: str
) -> None:
    bad = sample / "bad"
    write_mnist(bad, 12, 10)
    lines: list[str] = []
    paths = fetch_mnist(tmp_path / "new", (f"{mirror}bad/", mirror), lines.append)
    assert {name: path.name for name, path in paths.items()} == {n: f"{n}.gz" for n in NAMES}
    assert_sample(load_mnist(tmp_path / "new"))
    assert lines[:2] == [
        f"downloading {mirror}bad/train-images-idx3-ubyte.gz",
        f"downloading {mirror}train-images-idx3-ubyte.gz",
    ]


def test_content_with_another_hash_is_not_kept(tmp_path: Path, sample: Path, mirror: str) -> None:
    path = sample / f"{NAMES[1]}.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.zeros(20, np.uint8))))
    with pytest.raises(DataError, match=r"expected content with SHA-256 \w{64}, got \w{64}"):
        fetch_mnist(tmp_path / "new", (mirror,))
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"{NAMES[0]}.gz"]


def test_a_download_that_ends_early_is_not_kept(tmp_path: Path, sample: Path, mirror: str) -> None:
    path = sample / f"{NAMES[0]}.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="the gzip data end too early"):
        fetch_mnist(tmp_path / "new", (mirror,))
    assert not (tmp_path / "new").exists()


def test_a_server_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"http://127.0.0.1:1/train-images.*refused"):
        fetch_mnist(tmp_path, ("http://127.0.0.1:1/",))


def test_files_that_are_there_are_not_downloaded_again(sample: Path) -> None:
    lines: list[str] = []
    paths = fetch_mnist(sample, (), lines.append)
    assert sorted(paths) == sorted(NAMES)
    assert lines[0] == f"{sample / NAMES[0]}.gz is already there"


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-images-idx3-ubyte", np.zeros((20, 32, 32), np.uint8),
         r"expected images of shape \(n, 28, 28\), got \(20, 32, 32\)"),
        ("train-images-idx3-ubyte", np.zeros(20, np.uint8),
         r"expected images of shape \(n, 28, 28\), got \(20,\); is this MNIST's image file"),
        ("t10k-labels-idx1-ubyte", np.zeros((10, 28, 28), np.uint8),
         r"expected labels of shape \(n,\), got \(10, 28, 28\)"),
        ("t10k-labels-idx1-ubyte", np.zeros(9, np.uint8),
         "expected 10 labels, as many as t10k-images-idx3-ubyte.gz has images, got 9"),
        ("t10k-labels-idx1-ubyte", np.array([0, 1, 2, 3, 4, 11, 6, 7, 8, 99], np.uint8),
         "label 5, counted from 0: expected a digit from 0 to 9, got 11"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_refused(
    sample: Path, name: str, array: np.ndarray, message: str
) -> None:
    (sample / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array)))
    with pytest.raises(DataError, match=message) as caught:
        load_mnist(sample)
    assert name in str(caught.value)


def test_empty_sets_are_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, 20, 10)
    for kind in ("images-idx3", "labels-idx1"):
        empty = np.zeros((0, 28, 28) if kind.startswith("images") else 0, np.uint8)
        (tmp_path / f"train-{kind}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(empty)))
    with pytest.raises(DataError, match="expected at least one image, got none"):
        load_mnist(tmp_path)


@pytest.mark.skipif(
    not mnist_is_here(), reason="MNIST is not on this computer: python -m train fetch"
)
def test_the_real_mnist_is_whole() -> None:
    data = load_mnist()
    for array, name in zip(data, NAMES, strict=True):
        assert hashlib.sha256(idx_bytes(array)).hexdigest() == mnist.SHA256[name]


def test_the_last_5000_training_images_are_held_out_or_a_tenth_of_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for count, held_out in ((60_000, 5_000), (300, 30)):
        images = np.broadcast_to(np.uint8(0), (count, 28, 28))
        labels = np.arange(count).astype(np.uint8)
        monkeypatch.setattr(
            "train.sources.mnist.load_mnist", lambda *_, i=images, n=labels: Mnist(i, n, i, n)
        )
        part = read_mnist()
        assert len(part.images) == len(part.labels) == count - held_out
        assert np.array_equal(part.validation.labels, labels[-held_out:])
        assert np.array_equal(part.test.labels, labels)
