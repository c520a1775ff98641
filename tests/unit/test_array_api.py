"""The network on arrays of another library: the same functions, by the array API standard alone."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import array_api_strict
import numpy as np
import pytest

from nn.layers import BatchNorm, Conv2D, Dense, Flatten, GlobalAvgPool2D, MaxPool2D, ReLU
from nn.losses import one_hot, softmax, softmax_cross_entropy
from nn.model import Sequential
from nn.optim import SGD, Adam
from tests.training import quick, same_weights, stop_after_first_epoch, write_data
from train.__main__ import main
from train.checkpoint import State
from train.commands import run_options
from train.config import Config
from train.device import DeviceError, cuda_library, fetched, placed
from train.learner import Learner
from train.schedule import cycles

try:
    CUDA = [cuda_library()]
except DeviceError:
    CUDA = []
LIBRARIES = [array_api_strict, *CUDA]
"""The first keeps to the standard and refuses all else; CuPy is there on a machine with a GPU."""
each_library = pytest.mark.parametrize("xp", LIBRARIES, ids=lambda xp: xp.__name__)

RNG = np.random.default_rng(5)
INPUTS = RNG.random((6, 12, 11, 1), dtype=np.float32)
LABELS = RNG.integers(0, 10, 6).astype(np.uint8)


def every_layer() -> Sequential:
    rng = np.random.default_rng(1)
    return Sequential(
        [
            Conv2D(1, 6, size=5, stride=2, rng=rng),
            BatchNorm(6),
            ReLU(),
            Conv2D(6, 8, rng=rng),
            ReLU(),
            MaxPool2D(2),
            Conv2D(8, 4, size=2, padding=0, rng=rng),
            ReLU(),
            Flatten(),
            Dense(16, 12, rng=rng),
            BatchNorm(12),
            ReLU(),
            Dense(12, 10, rng=rng),
        ]
    )


def as_numpy(array: Any) -> np.ndarray[Any, Any]:
    return fetched({"array": array})["array"]


@each_library
@pytest.mark.parametrize("make", [lambda: SGD(0.05, 0.9, 5e-4), lambda: Adam(0.01)])
@pytest.mark.parametrize("soft", [False, True])
def test_steps_on_a_librarys_arrays_are_those_on_numpys(
    xp: ModuleType, make: Any, soft: bool
) -> None:
    def double(array: Any) -> Any:  # since Adam makes as much of rounding as of all else
        return xp.asarray(array, dtype=xp.float64)

    here, there = placed(every_layer(), np.float64), placed(every_layer(), double)
    inputs = INPUTS.astype(np.float64)
    targets = one_hot(LABELS, 10) * np.float32(0.9) + np.float32(0.01) if soft else LABELS
    optimizers = (make(), make())
    for _ in range(3):
        losses = []
        for model, optimizer, convert in zip(
            (here, there), optimizers, (np.asarray, xp.asarray), strict=True
        ):
            logits = model.forward(convert(inputs), training=True)
            loss, grad = softmax_cross_entropy(logits, convert(targets))
            model.backward(grad)
            optimizer.step(model.parameters())
            losses.append(loss)
        assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    for name, array in there.arrays().items():
        assert isinstance(array, type(xp.asarray(0)))
        np.testing.assert_allclose(as_numpy(array), here.arrays()[name], rtol=1e-6, atol=1e-8)
    seen = softmax(there.forward(xp.asarray(inputs)))
    np.testing.assert_allclose(as_numpy(seen), softmax(here.forward(inputs)), atol=1e-6)


@each_library
def test_global_average_on_a_librarys_arrays_is_numpys(xp: ModuleType) -> None:
    layer = GlobalAvgPool2D()
    x = RNG.random((2, 3, 4, 5), dtype=np.float32)
    grad = RNG.random((2, 5), dtype=np.float32)
    expected = layer.forward(x, training=True), layer.backward(grad)
    found = layer.forward(xp.asarray(x), training=True), layer.backward(xp.asarray(grad))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(as_numpy(a), b, rtol=1e-6)


def learned(config: Config, state: State, steps: int) -> State:
    """What a learner knows after so many steps from ``state``."""
    learner = Learner(config, cycles(config, 1), state, every_layer())
    for _ in range(steps):
        learner.learn(INPUTS, LABELS)
    reached, result = learner.snapshot(), learner.result()
    learner.close()
    for name, array in result.arrays().items():
        np.testing.assert_array_equal(array, reached.averaged[name])
    return reached


@each_library
@pytest.mark.parametrize(
    ("optimizer", "learning_rate", "apart"), [("sgd", 0.01, 4e-4), ("adam", 0.001, 5e-3)]
)
def test_what_is_learned_on_a_device_is_what_numpy_learns_and_can_be_continued_by_either(
    xp: ModuleType,
    optimizer: str,
    learning_rate: float,
    apart: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("train.learner.cuda_library", lambda: xp)
    settings: dict[str, Any] = {"optimizer": optimizer, "learning_rate": learning_rate}
    settings |= {
        "threads": 1,
        "epochs": 6,
        "restart_after": 2,
        "finish": 2,
        "sharpness_radius": 0.05,
    }
    here, there = Config(**settings), Config(**settings, device="cuda")
    right = learned(here, learned(here, State(), 4), 2)
    for first, then in [(there, there), (here, there), (there, here)]:
        found = learned(then, learned(first, State(), 4), 2)
        for part in ("model", "averaged", "optimizer"):
            ours, theirs = getattr(found, part), getattr(right, part)
            assert ours.keys() == theirs.keys()
            for name, array in ours.items():
                assert isinstance(array, np.ndarray), name
                np.testing.assert_allclose(array, theirs[name], rtol=2e-3, atol=apart, err_msg=name)


@each_library
def test_a_run_on_a_device_that_was_stopped_goes_on_to_the_same_bits(
    xp: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Mock(return_value=xp)
    monkeypatch.setattr(run_options, "cuda_library", found)
    monkeypatch.setattr("train.learner.cuda_library", found)
    data, whole, parts = (tmp_path / name for name in ("data", "whole", "parts"))
    write_data(data)
    for folder in (whole, parts):
        folder.mkdir()
    command = ["fit", "--device", "cuda"]
    assert main([*command, *quick(data, whole)]) == 0
    with monkeypatch.context() as stopped:
        stop_after_first_epoch(stopped)
        assert main([*command, *quick(data, parts)]) == 130
    assert main([*command, *quick(data, parts), "--resume"]) == 0
    assert found.call_count == 6  # by each of three commands before it reads, and when it learns
    assert same_weights(whole / "weights.npz", parts / "weights.npz")


def test_without_a_gpu_cuda_is_refused_with_what_to_do_before_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if CUDA:
        pytest.skip("this computer has a GPU and CuPy: nothing is refused")
    with pytest.raises(DeviceError, match=r"--device cuda: .*(pip install|driver).*--device cpu"):
        cuda_library()
    nowhere = str(tmp_path / "nowhere")
    assert main(["fit", "--device", "cuda", "--mnist", nowhere, "--run", str(tmp_path)]) != 0
    said = capsys.readouterr().err
    assert "--device cuda" in said
    assert nowhere not in said
