"""Every layer: its formula on numbers one can follow, its derivative, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nn.layers import (
    Array,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    MaxPool2D,
    ReLU,
    product,
    unfold,
)
from tests.unit.gradients import check_gradients, distinct, in_float64, scale_gradient

RNG_SEED = 20240229

LAYERS: dict[str, tuple[Callable[[np.random.Generator], Layer], tuple[int, ...]]] = {
    "Dense": (lambda rng: Dense(5, 3, rng), (4, 5)),
    "Conv2D": (lambda rng: Conv2D(2, 3, rng=rng), (2, 5, 4, 2)),
    "Conv2D strided": (lambda rng: Conv2D(2, 3, size=5, stride=2, rng=rng), (2, 8, 7, 2)),
    "Conv2D without padding": (lambda rng: Conv2D(1, 2, padding=0, rng=rng), (2, 4, 5, 1)),
    "Conv2D of even size": (lambda rng: Conv2D(2, 2, size=2, rng=rng), (2, 3, 4, 2)),
    "Conv2D that skips pixels": (lambda rng: Conv2D(2, 2, 1, stride=3, rng=rng), (2, 5, 6, 2)),
    "BatchNorm of images": (lambda _: BatchNorm(3), (3, 2, 4, 3)),
    "BatchNorm of rows": (lambda _: BatchNorm(4), (5, 4)),
    "ReLU": (lambda _: ReLU(), (3, 4, 2)),
    "MaxPool2D": (lambda _: MaxPool2D(), (2, 4, 6, 2)),
    "MaxPool2D with a rest": (lambda _: MaxPool2D(3), (2, 7, 5, 2)),
    "GlobalAvgPool2D": (lambda _: GlobalAvgPool2D(), (2, 3, 5, 2)),
    "Flatten": (lambda _: Flatten(), (2, 3, 2, 2)),
    "Dropout": (lambda _: Dropout(0), (4, 5)),
}
"""Of each kind, how to make one and the shape of an input. (What Dropout drops changes with each
input, so that no differences can be taken there: it has tests of its own below.)"""

GRADIENTS = [
    (name, gradient)
    for name, (make, _) in LAYERS.items()
    for gradient in ("input", *make(np.random.default_rng(0)).params)
]


def rng_of(*seed: int) -> np.random.Generator:
    return np.random.default_rng([RNG_SEED, *seed])


def make(name: str) -> tuple[Layer, Array]:
    """Return a layer in float64 with random parameters, and an input for it."""
    rng = rng_of()
    create, shape = LAYERS[name]
    layer = in_float64(create(rng))
    for array in layer.params.values():  # biases and gains that are 0 and 1 would hide mistakes
        array += rng.normal(0, 0.5, array.shape)
    return layer, distinct(rng, shape)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_match_central_differences(name: str) -> None:
    layer, x = make(name)
    check_gradients(layer, x, rng_of(1))


@pytest.mark.parametrize(("name", "gradient"), GRADIENTS)
def test_a_gradient_wrong_by_one_percent_is_noticed(name: str, gradient: str) -> None:
    layer, x = make(name)
    scale_gradient(layer, gradient, 1.01)
    with pytest.raises(AssertionError, match=gradient):
        check_gradients(layer, x, rng_of(1))


@pytest.mark.parametrize("name", [name for name in LAYERS if "rows" not in name])
def test_gradients_match_for_a_batch_of_one(name: str) -> None:
    layer, x = make(name)
    check_gradients(layer, x[:1].copy(), rng_of(2))


@pytest.mark.parametrize("name", LAYERS)
def test_a_transposed_view_gives_what_its_copy_gives(name: str) -> None:
    layer, x = make(name)
    view = np.ascontiguousarray(x.T).T
    assert not view.flags.c_contiguous
    out = layer.forward(x, training=True)
    grad_out = rng_of(3).standard_normal(out.shape)
    grad_in, grads = layer.backward(grad_out), dict(layer.grads)

    assert np.allclose(layer.forward(view, training=True), out, rtol=1e-12)
    assert np.allclose(layer.backward(np.asfortranarray(grad_out)), grad_in, rtol=1e-12)
    for parameter, gradient in grads.items():
        assert np.allclose(layer.grads[parameter], gradient, rtol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32(name: str) -> None:
    create, shape = LAYERS[name]
    layer = create(rng_of())
    assert layer.forward(np.ones(shape, np.float32)).dtype == np.float32
    out = layer.forward(np.ones(shape, np.float32), training=True)
    assert out.dtype == np.float32
    assert layer.backward(np.ones(out.shape, np.float32)).dtype == np.float32
    assert {array.dtype for array in layer.grads.values()} <= {np.dtype(np.float32)}
    for parameter, array in (layer.params | layer.buffers).items():
        assert array.dtype == np.float32, parameter
        assert array.flags.c_contiguous, parameter


@pytest.mark.parametrize("name", LAYERS)
def test_no_input_is_changed(name: str) -> None:
    layer, x = make(name)
    before = x.copy()
    x.flags.writeable = False
    grad_out = rng_of(4).standard_normal(layer.forward(x, training=True).shape)
    grad_before = grad_out.copy()
    grad_out.flags.writeable = False
    layer.backward(grad_out)
    assert np.array_equal(x, before)
    assert np.array_equal(grad_out, grad_before)


@pytest.mark.parametrize("name", LAYERS)
def test_backward_without_a_training_pass_says_so(name: str) -> None:
    layer, x = make(name)
    out = layer.forward(x, training=True)
    layer.forward(x)  # inference lets go of what training kept
    with pytest.raises(RuntimeError, match=rf"{type(layer).__name__}.*forward\(x, training=True\)"):
        layer.backward(out)


@pytest.mark.parametrize("name", LAYERS)
def test_inference_keeps_no_array_of_the_batch(name: str) -> None:
    layer, x = make(name)
    layer.forward(x, training=True)
    layer.forward(x)
    kept = [key for key, value in vars(layer).items() if isinstance(value, np.ndarray)]
    assert kept == []


@pytest.mark.parametrize("name", LAYERS)
def test_config_and_arrays_make_the_layer_again(name: str) -> None:
    layer, x = make(name)
    again = Layer.registry[type(layer).__name__](**layer.config())
    again.params, again.buffers = layer.params, layer.buffers
    assert np.array_equal(again.forward(x), layer.forward(x))


@pytest.mark.parametrize("name", [name for name in LAYERS if "BatchNorm" not in name])
def test_an_empty_batch_gives_an_empty_result(name: str) -> None:
    layer, x = make(name)
    assert layer.forward(x[:0]).shape == (0, *layer.forward(x).shape[1:])


@pytest.mark.parametrize("name", LAYERS)
def test_each_example_of_a_batch_is_answered_alone(name: str) -> None:
    layer, x = make(name)
    alone = np.concatenate([layer.forward(x[i : i + 1]) for i in range(len(x))])
    assert np.allclose(layer.forward(x), alone, rtol=1e-12)


@settings(deadline=None, max_examples=80)
@given(
    batch=st.integers(1, 3),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    inputs=st.integers(1, 2),
    outputs=st.integers(1, 2),
    size=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
)
def test_conv_gradients_match_for_any_sizes(
    batch: int,
    height: int,
    width: int,
    inputs: int,
    outputs: int,
    size: int,
    stride: int,
    padding: int,
) -> None:
    assume(padding < size <= min(height, width) + 2 * padding)
    rng = rng_of(5)
    layer = in_float64(Conv2D(inputs, outputs, size, stride, padding, rng))
    check_gradients(layer, rng.standard_normal((batch, height, width, inputs)), rng)


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7), st.integers(1, 3)),
    size=st.integers(1, 4),
)
def test_pooling_gradients_match_for_any_sizes(shape: tuple[int, ...], size: int) -> None:
    assume(size <= min(shape[1:3]))
    rng = rng_of(6)
    check_gradients(MaxPool2D(size), distinct(rng, shape), rng)
    check_gradients(GlobalAvgPool2D(), distinct(rng, shape), rng)


@settings(deadline=None, max_examples=25)
@given(batch=st.integers(1, 5), inputs=st.integers(1, 6), outputs=st.integers(1, 6))
def test_dense_gradients_match_for_any_sizes(batch: int, inputs: int, outputs: int) -> None:
    rng = rng_of(7)
    layer = in_float64(Dense(inputs, outputs, rng))
    check_gradients(layer, rng.standard_normal((batch, inputs)), rng)


@settings(deadline=None, max_examples=25)
@given(
    rows=st.integers(2, 6),
    middle=st.lists(st.integers(1, 3), max_size=2),
    channels=st.integers(1, 4),
)
def test_batchnorm_gradients_match_for_any_sizes(
    rows: int, middle: list[int], channels: int
) -> None:
    rng = rng_of(8)
    layer = in_float64(BatchNorm(channels))
    check_gradients(layer, rng.standard_normal((rows, *middle, channels)), rng)


def test_conv_is_the_sum_in_its_docstring() -> None:
    rng = rng_of(9)
    layer = in_float64(Conv2D(2, 3, size=3, stride=2, padding=1, rng=rng))
    x, weight = rng.standard_normal((1, 5, 6, 2)), layer.params["weight"]
    layer.params["bias"][:] = 1, 2, 3
    expected = np.zeros((1, 3, 3, 3)) + layer.params["bias"]
    for i, j, u, v in np.ndindex(3, 3, 3, 3):
        row, column = 2 * i + u - 1, 2 * j + v - 1
        if 0 <= row < 5 and 0 <= column < 6:
            expected[0, i, j] += x[0, row, column] @ weight[u, v]
    assert np.allclose(layer.forward(x), expected, rtol=1e-12)


@pytest.mark.parametrize("block_bytes", [1, 1000, 5000])
def test_conv_gives_the_same_whatever_the_size_of_a_block(
    block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = rng_of(10)
    layer = in_float64(Conv2D(2, 3, stride=2, rng=rng))
    x = rng.standard_normal((7, 6, 5, 2))
    out = layer.forward(x, training=True)
    grad_out = rng.standard_normal(out.shape)
    grad_in, grad_weight = layer.backward(grad_out), layer.grads["weight"]

    monkeypatch.setattr(unfold, "BLOCK_BYTES", block_bytes)
    assert np.allclose(layer.forward(x, training=True), out, rtol=1e-12)
    assert np.allclose(layer.backward(grad_out), grad_in, rtol=1e-12)
    assert np.allclose(layer.grads["weight"], grad_weight, rtol=1e-12)


def test_so_much_is_unfolded_at_a_time_as_a_cache_holds() -> None:
    x = np.zeros((64, 14, 14, 32), np.float32)
    blocks = [columns.nbytes for columns, _ in unfold.unfold(x, unfold.Frame(16, 16, 1), 3)]
    assert sum(blocks) == 9 * x.nbytes
    assert unfold.BLOCK_BYTES / 2 < max(blocks) <= unfold.BLOCK_BYTES


def test_conv_that_needs_no_gradient_of_its_input_still_gives_those_of_its_parameters() -> None:
    layer, x = make("Conv2D")
    grad_out = rng_of(11).standard_normal(layer.forward(x, training=True).shape)
    layer.backward(grad_out)
    expected = dict(layer.grads)
    layer.needs_grad_in = False
    layer.backward(grad_out)
    for name, gradient in expected.items():
        assert np.allclose(layer.grads[name], gradient, rtol=1e-12)


def test_max_pool_sends_a_tie_to_the_first_maximum() -> None:
    layer = MaxPool2D()
    x = np.array([[[1.0], [7.0], [5.0], [5.0]], [[7.0], [7.0], [5.0], [5.0]]])[None]
    assert layer.forward(x, training=True).tolist() == [[[[7.0], [5.0]]]]
    grad_in = layer.backward(np.array([[[[10.0], [20.0]]]]))
    assert grad_in[0, :, :, 0].tolist() == [[0, 10, 20, 0], [0, 0, 0, 0]]


def test_max_pool_leaves_out_rows_and_columns_that_fill_no_window() -> None:
    layer = MaxPool2D(2)
    x = np.arange(15.0).reshape(1, 3, 5, 1)
    assert layer.forward(x, training=True)[0, :, :, 0].tolist() == [[6, 8]]
    grad_in = layer.backward(np.ones((1, 1, 2, 1)))
    assert np.flatnonzero(grad_in).tolist() == [6, 8]


def test_relu_has_no_slope_at_zero_and_below() -> None:
    layer = ReLU()
    assert layer.forward(np.array([[-1.0, 0.0, 2.0]]), training=True).tolist() == [[0, 0, 2]]
    assert layer.backward(np.array([[5.0, 5.0, 5.0]])).tolist() == [[0, 0, 5]]


def test_batchnorm_brings_each_channel_to_mean_0_and_variance_1() -> None:
    x = rng_of(12).normal(3, 7, (50, 4, 4, 2))
    out = in_float64(BatchNorm(2)).forward(x, training=True)
    assert np.allclose(out.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    assert np.allclose(out.var(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_batchnorm_in_inference_uses_what_training_averaged() -> None:
    layer = in_float64(BatchNorm(2))
    x = rng_of(13).normal(3, 7, (500, 2))
    before = layer.forward(x)
    for _ in range(200):  # the averages come to rest at the statistics of the one batch
        layer.forward(x, training=True)
    assert np.allclose(layer.buffers["mean"], x.mean(axis=0))
    assert np.allclose(layer.buffers["variance"], x.var(axis=0, ddof=1))
    assert not np.allclose(before, layer.forward(x))
    assert np.allclose(layer.forward(x), layer.forward(x, training=True), atol=0.01)


def test_batchnorm_takes_a_constant_channel() -> None:
    layer = BatchNorm(1)
    out = layer.forward(np.full((4, 1), 3, np.float32), training=True)
    assert np.abs(out).max() < 1e-3
    assert np.isfinite(layer.backward(np.ones((4, 1), np.float32))).all()


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    x = rng_of(15).random((40, 5, 5, 30), np.float32) + 1
    out = Dropout(25).forward(x, training=True)
    dropped = out == 0
    assert dropped.mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_allclose(out[~dropped], x[~dropped] / 0.75, rtol=1e-6)
    assert out.mean() == pytest.approx(x.mean(), rel=0.01)


def test_dropout_does_nothing_in_inference_nor_at_zero_percent() -> None:
    x = rng_of(16).standard_normal((3, 4), np.float32)
    assert np.array_equal(Dropout(50).forward(x), x)
    assert np.array_equal(Dropout(0).forward(x, training=True), x)


def test_gradients_pass_what_dropout_kept_and_nothing_else() -> None:
    layer, x = Dropout(40), rng_of(17).random((6, 7), np.float32) + 1
    out = layer.forward(x, training=True)
    grad_out = rng_of(18).standard_normal(x.shape, np.float32)
    np.testing.assert_allclose(layer.backward(grad_out), grad_out * (out / x), rtol=1e-6)


def test_dropout_draws_the_same_for_the_same_input_and_anew_for_another() -> None:
    x = rng_of(19).random((8, 50), np.float32) + 1
    first, again = (Dropout(50).forward(x, training=True) for _ in range(2))
    assert np.array_equal(first, again)
    other = Dropout(50).forward(x + np.float32(0.1), training=True)
    assert 0.3 < ((first == 0) != (other == 0)).mean() < 0.7


@pytest.mark.parametrize("percent", [-1, 100])
def test_a_share_that_cannot_be_dropped_is_refused(percent: int) -> None:
    with pytest.raises(ValueError, match=f"expected percent from 0 to 99, got {percent}"):
        Dropout(percent)


def test_the_first_weights_keep_the_variance_that_he_and_others_give() -> None:
    rng = rng_of(14)
    assert Dense(400, 200, rng).params["weight"].var() == pytest.approx(2 / 400, rel=0.03)
    kernel = Conv2D(32, 64, size=5, rng=rng).params["weight"]
    assert kernel.var() == pytest.approx(2 / (32 * 25), rel=0.03)
    assert not Conv2D(2, 2, rng=rng).params["bias"].any()
    assert not Conv2D(2, 2).params["weight"].any()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Dense(5, 3), (4, 6), r"Dense expected \(batch, 5\), got \(4, 6\)"),
        (Dense(5, 3), (5,), r"Dense expected \(batch, 5\), got \(5,\)"),
        (Conv2D(2, 3), (1, 5, 5, 3), r"expected \(batch, height, width, 2\) .* got \(1, 5, 5, 3\)"),
        (Conv2D(2, 3), (5, 5, 2), r"expected \(batch, height, width, 2\) .* got \(5, 5, 2\)"),
        (Conv2D(2, 3, size=5, padding=1), (1, 2, 9, 2), r"at least 3 x 3, got \(1, 2, 9, 2\)"),
        (Conv2D(2, 3), (1, 0, 9, 2), r"at least 1 x 1, got \(1, 0, 9, 2\)"),
        (BatchNorm(3), (4, 2), r"BatchNorm expected \(batch, \.\.\., 3\), got \(4, 2\)"),
        (BatchNorm(3), (3,), r"BatchNorm expected \(batch, \.\.\., 3\), got \(3,\)"),
        (MaxPool2D(3), (1, 2, 9, 1), r"at least 3 x 3, got \(1, 2, 9, 1\)"),
        (MaxPool2D(), (4, 4), r"MaxPool2D expected \(batch, height, width, channels\)"),
        (GlobalAvgPool2D(), (4, 4), r"GlobalAvgPool2D expected \(batch, height, width, channels\)"),
    ],
)
def test_an_input_of_another_shape_is_refused(
    layer: Layer, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        layer.forward(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("make_layer", "message"),
    [
        (lambda: Dense(0, 3), "expected inputs of at least 1, got 0"),
        (lambda: Dense(3, -1), "expected outputs of at least 1, got -1"),
        (lambda: Conv2D(1, 1, size=0), "expected size of at least 1, got 0"),
        (lambda: Conv2D(1, 1, stride=0), "expected stride of at least 1, got 0"),
        (lambda: Conv2D(1, 1, size=3, padding=3), "expected padding from 0 to 2, got 3"),
        (lambda: Conv2D(1, 1, padding=-1), "expected padding from 0 to 2, got -1"),
        (lambda: BatchNorm(0), "expected channels of at least 1, got 0"),
        (lambda: MaxPool2D(0), "expected size of at least 1, got 0"),
    ],
)
def test_a_size_that_cannot_work_is_refused(make_layer: Callable[[], Layer], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_layer()


def test_every_layer_is_in_the_register_and_checked_here() -> None:
    shipped = {name for name, layer in Layer.registry.items() if layer.__module__.startswith("nn.")}
    assert shipped == {name.split()[0] for name in LAYERS}


@pytest.mark.parametrize("inputs", [2, 8, 32])
def test_convolutions_without_blas_are_the_same(
    inputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = rng_of(inputs)
    layer = in_float64(Conv2D(inputs, 5, rng=rng))
    x = rng.standard_normal((3, 6, 7, inputs))
    grad_out = rng.standard_normal((3, 6, 7, 5))
    results = []
    for has_blas in (True, False):
        monkeypatch.setattr(product, "HAS_BLAS", has_blas)
        out = layer.forward(x, training=True)
        results.append((out, layer.backward(grad_out), *layer.grads.values()))
    for with_blas, without in zip(*results, strict=True):
        np.testing.assert_allclose(without, with_blas, rtol=1e-12, atol=1e-12)
