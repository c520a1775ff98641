"""Layers, losses and optimizers against PyTorch on the CPU, an implementation by other people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nn.layers import (
    Array,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    MaxPool2D,
    ReLU,
)
from nn.losses import softmax, softmax_cross_entropy
from nn.model import Sequential
from nn.optim import SGD, Adam
from tests.unit.gradients import in_float64

torch = pytest.importorskip(
    "torch",
    reason="PyTorch is not installed: layers, losses and optimizers are not compared with it",
)
functional = torch.nn.functional

Tensor = torch.Tensor
Function = Callable[[Tensor, dict[str, Tensor]], Tensor]

TOLERANCES = {np.float64: {"rtol": 1e-9, "atol": 1e-11}, np.float32: {"rtol": 1e-4, "atol": 1e-5}}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def channels_first(x: Tensor) -> Tensor:
    """Images as PyTorch takes them: ``(batch, channels, height, width)``."""
    return x.permute(0, 3, 1, 2) if x.ndim == 4 else x


def channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x


def dense(x: Tensor, params: dict[str, Tensor]) -> Tensor:
    return functional.linear(x, params["weight"].T, params["bias"])


def conv2d(stride: int, padding: int) -> Function:
    def apply(x: Tensor, params: dict[str, Tensor]) -> Tensor:
        weight = params["weight"].permute(3, 2, 0, 1).contiguous()
        out = functional.conv2d(channels_first(x), weight, params["bias"], stride, padding)
        return channels_last(out)

    return apply


def batchnorm(x: Tensor, params: dict[str, Tensor]) -> Tensor:
    arguments = (None, None, params["gamma"], params["beta"])
    return channels_last(functional.batch_norm(channels_first(x), *arguments, training=True))


def maxpool(size: int) -> Function:
    return lambda x, _: channels_last(functional.max_pool2d(channels_first(x), size))


LAYERS: dict[str, tuple[Layer, Function, tuple[int, ...]]] = {
    "Dense": (Dense(7, 5), dense, (6, 7)),
    "Conv2D": (Conv2D(3, 4), conv2d(1, 1), (3, 6, 5, 3)),
    "Conv2D 5, stride 2": (Conv2D(1, 4, size=5, stride=2), conv2d(2, 2), (3, 28, 28, 1)),
    "Conv2D 4, stride 3": (Conv2D(2, 3, 4, 3, padding=3), conv2d(3, 3), (2, 9, 7, 2)),
    "Conv2D without padding": (Conv2D(2, 3, padding=0), conv2d(1, 0), (2, 5, 6, 2)),
    "BatchNorm of images": (BatchNorm(3), batchnorm, (4, 5, 3, 3)),
    "BatchNorm of rows": (BatchNorm(5), batchnorm, (8, 5)),
    "ReLU": (ReLU(), lambda x, _: functional.relu(x), (3, 4, 4, 2)),
    "MaxPool2D": (MaxPool2D(), maxpool(2), (3, 6, 4, 2)),
    "MaxPool2D with a rest": (MaxPool2D(3), maxpool(3), (2, 7, 8, 3)),
    "GlobalAvgPool2D": (GlobalAvgPool2D(), lambda x, _: x.mean(dim=(1, 2)), (3, 5, 4, 2)),
    "Flatten": (Flatten(), lambda x, _: x.flatten(1), (3, 2, 4, 2)),
}
"""Of each kind: one of ours, PyTorch's function for the same, the shape of an input."""


def assert_close(found: Array, expected: Tensor, dtype: type, name: str) -> None:
    assert found.dtype == dtype, name
    np.testing.assert_allclose(found, expected.detach().numpy(), **TOLERANCES[dtype], err_msg=name)


def compare(layer: Layer, function: Function, x: Array, rng: np.random.Generator) -> None:
    """Raise AssertionError unless output and gradients are PyTorch's, in the dtype of ``x``."""
    dtype = x.dtype.type
    for name, array in layer.params.items():
        layer.params[name] = rng.standard_normal(array.shape).astype(dtype)
    params = {name: torch.tensor(array, requires_grad=True) for name, array in layer.params.items()}
    their_x = torch.tensor(x, requires_grad=True)
    their_out = function(their_x, params)
    out = layer.forward(x, training=True)
    assert_close(out, their_out, dtype, "output")

    grad_out = rng.standard_normal(out.shape).astype(dtype)
    their_out.backward(torch.tensor(grad_out))
    assert_close(layer.backward(grad_out), their_x.grad, dtype, "gradient of the input")
    for name, tensor in params.items():
        assert_close(layer.grads[name], tensor.grad, dtype, f"gradient of {name}")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_the_outputs_and_gradients_of_pytorch(name: str, dtype: type) -> None:
    layer, function, shape = LAYERS[name]
    rng = np.random.default_rng(1)
    compare(layer, function, rng.standard_normal(shape).astype(dtype), rng)


@settings(deadline=None, max_examples=50)
@given(
    shape=st.tuples(*[st.integers(1, 9)] * 2),
    channels=st.tuples(*[st.integers(1, 4)] * 2),
    size=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.integers(0, 4),
)
def test_a_convolution_of_any_sizes_is_that_of_pytorch(
    shape: tuple[int, int], channels: tuple[int, int], size: int, stride: int, padding: int
) -> None:
    assume(padding < size <= min(shape) + 2 * padding)
    rng = np.random.default_rng(2)
    layer = Conv2D(*channels, size, stride, padding)
    x = rng.standard_normal((2, *shape, channels[0]))
    compare(layer, conv2d(stride, padding), x, rng)


def test_ties_in_a_window_go_where_pytorch_sends_them() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 3, (4, 9, 9, 3)).astype(np.float64)
    compare(MaxPool2D(3), maxpool(3), x, rng)


@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 2, 3)])
def test_running_statistics_are_those_of_pytorch(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    layer = in_float64(BatchNorm(3))
    kind = torch.nn.BatchNorm2d if len(shape) == 4 else torch.nn.BatchNorm1d
    theirs = kind(3, dtype=torch.float64)
    for _ in range(5):
        x = rng.normal(2, 3, shape)
        layer.forward(x, training=True)
        theirs(channels_first(torch.tensor(x)))
    assert_close(layer.buffers["mean"], theirs.running_mean, np.float64, "mean")
    assert_close(layer.buffers["variance"], theirs.running_var, np.float64, "variance")
    theirs.eval()
    expected = channels_last(theirs(channels_first(torch.tensor(x))))
    assert_close(layer.forward(x), expected, np.float64, "inference")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("soft", [False, True])
def test_softmax_cross_entropy_is_that_of_pytorch(soft: bool, dtype: type) -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 5, (8, 10)).astype(dtype)
    targets = softmax(rng.normal(0, 2, (8, 10))).astype(dtype) if soft else rng.integers(0, 10, 8)
    theirs = torch.tensor(logits, requires_grad=True)
    expected = functional.cross_entropy(theirs, torch.tensor(targets))
    expected.backward()

    loss, gradient = softmax_cross_entropy(logits, targets)
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    assert_close(gradient, theirs.grad, dtype, "gradient")
    assert_close(softmax(logits), torch.softmax(theirs, dim=1), dtype, "softmax")


def network() -> Sequential:
    """Return a small network of the shape of the one that ships, float32, for 12 x 12 images."""
    rng = np.random.default_rng(6)
    return Sequential(
        [
            *(Conv2D(1, 6, size=5, stride=2, rng=rng), BatchNorm(6), ReLU()),
            *(Conv2D(6, 8, rng=rng), BatchNorm(8), ReLU(), MaxPool2D()),
            *(Conv2D(8, 12, rng=rng), ReLU(), GlobalAvgPool2D(), Dense(12, 10, rng)),
        ]
    )


class ChannelsLast(torch.nn.Module):
    """The same network in PyTorch, with the same weights, for images ``(n, 12, 12, 1)``."""

    def __init__(self, ours: Sequential) -> None:
        super().__init__()
        self.parts = torch.nn.Sequential(
            *(torch.nn.Conv2d(1, 6, 5, stride=2, padding=2), torch.nn.BatchNorm2d(6)),
            *(torch.nn.ReLU(), torch.nn.Conv2d(6, 8, 3, padding=1), torch.nn.BatchNorm2d(8)),
            *(torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Conv2d(8, 12, 3, padding=1)),
            *(torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()),
            torch.nn.Linear(12, 10),
        )
        with torch.no_grad():
            for tensor, array in zip(self.parameters(), in_their_form(ours, ours), strict=True):
                tensor.copy_(torch.tensor(array))

    def forward(self, images: Tensor) -> Tensor:
        return self.parts(channels_first(images))


def in_their_form(network: Sequential, form: Sequential, kind: str = "params") -> list[Array]:
    """Return the parameters (or gradients) in PyTorch's order and axes; PyTorch's order is ours."""
    turned = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}
    return [
        getattr(layer, kind)[name].transpose(turned[array.ndim])
        for layer, like in zip(network.layers, form.layers, strict=True)
        for name, array in like.params.items()
    ]


def batch(rng: np.random.Generator) -> tuple[Array, Array]:
    return rng.random((16, 12, 12, 1), np.float32), rng.integers(0, 10, 16)


def test_a_whole_network_has_the_outputs_and_gradients_of_pytorch() -> None:
    ours = network()
    theirs = ChannelsLast(ours)
    images, labels = batch(np.random.default_rng(7))
    their_images = torch.tensor(images, requires_grad=True)
    their_logits = theirs(their_images)
    functional.cross_entropy(their_logits, torch.tensor(labels)).backward()

    logits = ours.forward(images, training=True)
    _, gradient = softmax_cross_entropy(logits, labels)
    assert_close(logits, their_logits, np.float32, "logits")
    assert_close(ours.backward(gradient), their_images.grad, np.float32, "gradient of the images")
    found = in_their_form(ours, ours, "grads")
    for (name, tensor), array in zip(theirs.named_parameters(), found, strict=True):
        assert_close(array, tensor.grad, np.float32, name)

    theirs.eval()
    assert_close(ours.forward(images), theirs(their_images), np.float32, "inference")


RATE, DECAY = 0.05, 0.02


def their_adamw(model: torch.nn.Module) -> Callable[[], None]:
    """AdamW whose decay leaves biases and BatchNorm alone."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": DECAY}, {"params": others, "weight_decay": 0}]
    return torch.optim.AdamW(groups, lr=RATE, betas=(0.8, 0.9), eps=1e-5).step


def their_sgd(model: torch.nn.Module) -> Callable[[], None]:
    """SGD with Nesterov momentum, and the decay that AdamW does, which SGD in PyTorch has not."""
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9, nesterov=True)

    def step() -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.mul_(1 - RATE * DECAY)
        optimizer.step()

    return step


OPTIMIZERS: dict[str, tuple[Callable[[], SGD | Adam], Callable[[Any], Callable[[], None]]]] = {
    "SGD": (lambda: SGD(RATE, 0.9, DECAY), their_sgd),
    "Adam": (lambda: Adam(RATE, 0.8, 0.9, epsilon=1e-5, weight_decay=DECAY), their_adamw),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-10)])
def test_ten_steps_from_the_same_start_end_where_those_of_pytorch_end(
    name: str, dtype: type, tolerance: float
) -> None:
    ours = network()
    theirs = ChannelsLast(ours)
    if dtype == np.float64:
        ours = Sequential([in_float64(layer) for layer in ours.layers])
        theirs.double()
    make, their_optimizer = OPTIMIZERS[name]
    optimizer, their_step = make(), their_optimizer(theirs)
    start = [array.copy() for array in in_their_form(ours, ours)]
    rng = np.random.default_rng(8)
    for _ in range(10):
        images, labels = batch(rng)
        images = images.astype(dtype)
        _, gradient = softmax_cross_entropy(ours.forward(images, training=True), labels)
        ours.backward(gradient)
        optimizer.step(ours.parameters())
        theirs.zero_grad()
        functional.cross_entropy(theirs(torch.tensor(images)), torch.tensor(labels)).backward()
        their_step()

    ended = in_their_form(ours, ours)
    for (key, tensor), array, before in zip(theirs.named_parameters(), ended, start, strict=True):
        assert array.dtype == dtype
        # BatchNorm takes off any bias before it, so that bias's gradient is but rounding errors,
        # which Adam divides by their own size: in float32 the result is noise, here and there.
        is_taken_off = key in ("parts.0.bias", "parts.3.bias")
        if not (is_taken_off and dtype == np.float32):
            assert np.abs(array - tensor.detach().numpy()).max() < tolerance, key
        assert is_taken_off or np.abs(array - before).max() > 1e-2, key
