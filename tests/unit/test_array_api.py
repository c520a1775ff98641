"""The network on arrays of another library: the same functions, by the array API standard alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import array_api_strict
import numpy as np
import pytest

from nn.layers import BatchNorm, Conv2D, Dense, Flatten, GlobalAvgPool2D, MaxPool2D, ReLU
from nn.losses import one_hot, softmax, softmax_cross_entropy
from nn.model import Sequential
from nn.optim import SGD, Adam
from train.__main__ import main
from train.device import DeviceError, OnDevice, placed

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
    return np.from_dlpack(array)


@pytest.mark.parametrize("make", [lambda: SGD(0.05, 0.9, 5e-4), lambda: Adam(0.01)])
@pytest.mark.parametrize("soft", [False, True])
def test_steps_on_strict_arrays_are_those_on_numpys(make: Any, soft: bool) -> None:
    xp = array_api_strict
    here, there = every_layer(), placed(every_layer(), xp.asarray)
    targets = one_hot(LABELS, 10) * np.float32(0.9) + np.float32(0.01) if soft else LABELS
    optimizers = (make(), make())
    for _ in range(3):
        losses = []
        for model, optimizer, convert in zip(
            (here, there), optimizers, (np.asarray, xp.asarray), strict=True
        ):
            logits = model.forward(convert(INPUTS), training=True)
            loss, grad = softmax_cross_entropy(logits, convert(targets))
            model.backward(grad)
            optimizer.step(model.parameters())
            losses.append(loss)
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for name, array in there.arrays().items():
        assert isinstance(array, type(xp.asarray(0)))
        np.testing.assert_allclose(as_numpy(array), here.arrays()[name], rtol=1e-4, atol=1e-6)
    seen = softmax(there.forward(xp.asarray(INPUTS)))
    np.testing.assert_allclose(as_numpy(seen), softmax(here.forward(INPUTS)), atol=1e-5)


def test_global_average_on_strict_arrays_is_numpys() -> None:
    xp, layer = array_api_strict, GlobalAvgPool2D()
    x = RNG.random((2, 3, 4, 5), dtype=np.float32)
    grad = RNG.random((2, 5), dtype=np.float32)
    expected = layer.forward(x, training=True), layer.backward(grad)
    found = layer.forward(xp.asarray(x), training=True), layer.backward(xp.asarray(grad))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(as_numpy(a), b, rtol=1e-6)


def test_a_device_gives_the_gradients_and_statistics_of_numpy() -> None:
    here, model = every_layer(), every_layer()
    device = OnDevice(model, array_api_strict)
    for _ in range(2):
        loss, grad = softmax_cross_entropy(here.forward(INPUTS, training=True), LABELS)
        here.backward(grad)
        assert device.loss_and_gradients(INPUTS, LABELS) == pytest.approx(loss, rel=1e-5)
        for (name, parameter, found), (_, _, right) in zip(
            model.parameters(), here.parameters(), strict=True
        ):
            assert isinstance(found, np.ndarray), name
            np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5)
            parameter -= np.float32(0.1) * right
        for _, parameter, right in here.parameters():
            parameter -= np.float32(0.1) * right
    for name, array in model.arrays().items():
        np.testing.assert_allclose(array, here.arrays()[name], rtol=1e-4, atol=1e-5)


def test_without_a_gpu_cuda_is_refused_with_what_to_do_before_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        import cupy

        if cupy.cuda.runtime.getDeviceCount() > 0:
            pytest.skip("there is a GPU")
    except Exception:  # no CuPy, or no driver
        pass
    with pytest.raises(DeviceError, match=r"--device cuda: .*(pip install|driver).*--device cpu"):
        OnDevice.cuda(every_layer())
    nowhere = str(tmp_path / "nowhere")
    assert main(["fit", "--device", "cuda", "--mnist", nowhere, "--run", str(tmp_path)]) != 0
    said = capsys.readouterr().err
    assert "--device cuda" in said
    assert nowhere not in said
