"""Prints how fast the shipped network trains beside PyTorch: same batch and threads, in turn.

Run `python tests/bench/bench_training.py --help` for the options. Also printed: how much of the
time goes into matrix products, and what speed these products alone would allow.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

ENGINES = ("numpy", "pytorch", "products")
KERNELS = ("environment", "best", "avx2")
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
"""What holds PyTorch and its library of convolutions to it."""
_KERNELS_HELP = (
    "instructions of the processor that the libraries use: what the environment's variables say, "
    "such as OPENBLAS_CORETYPE for NumPy alone; the best that each finds; or AVX2 for both "
    "(environment)"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print the table; ``argv`` is without the program's name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=128, help="images a step (128)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="cores (all)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (7)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a turn (3)")
    parser.add_argument("--kernels", choices=KERNELS, default="environment", help=_KERNELS_HELP)
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.engine:
        print(json.dumps(_turn(options)))
        return 0

    results: dict[str, list[dict[str, float]]] = {engine: [] for engine in ENGINES}
    for _ in range(options.rounds):
        for engine in ENGINES:
            results[engine].append(_turn_in_a_process(engine, options))
    speed = {
        engine: statistics.median(turn["images_per_second"] for turn in turns)
        for engine, turns in results.items()
    }
    memory = {
        engine: statistics.median(turn["megabytes"] for turn in turns)
        for engine, turns in results.items()
    }
    print(
        f"\nTraining the shipped network: batches of {options.batch_size}, "
        f"{options.threads} threads, medians of {options.rounds} turns of {options.seconds:g} s, "
        f"kernels: {options.kernels}\n"
    )
    print(f"{'':<26}{'images/s':>10}{'of PyTorch':>12}{'peak MB':>9}")
    for engine, name in (
        ("numpy", "this project (NumPy)"),
        ("pytorch", "PyTorch"),
        ("products", "NumPy's products alone"),
    ):
        ratio = speed[engine] / speed["pytorch"]
        print(f"{name:<26}{speed[engine]:>10.0f}{ratio:>12.2f}{memory[engine]:>9.0f}")
    share = speed["numpy"] / speed["products"]
    print(
        f"\nMatrix products take {share:.0%} of this project's time; the rest is {1 - share:.0%}."
    )
    return 0


def _turn_in_a_process(engine: str, options: argparse.Namespace) -> dict[str, float]:
    """Run one turn in a process of its own, so that each has its own memory and threads."""
    threads = "1" if engine != "pytorch" else str(options.threads)  # NumPy's threads are ours
    environment = os.environ | dict.fromkeys(
        ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads
    )
    if options.kernels != "environment":
        for name in ("OPENBLAS_CORETYPE", *AVX2):
            environment.pop(name, None)
    if options.kernels == "avx2":
        environment |= AVX2 | {"OPENBLAS_CORETYPE": "Haswell"}
    command = [sys.executable, __file__, "--engine", engine, "--seconds", str(options.seconds)]
    command += ["--batch-size", str(options.batch_size), "--threads", str(options.threads)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _turn(options: argparse.Namespace) -> dict[str, float]:
    """Train for the given time and return the speed and the peak memory."""
    makers = {"numpy": _numpy_step, "pytorch": _pytorch_step, "products": _products_step}
    step = makers[options.engine](options.batch_size, options.threads)
    for _ in range(3):
        step()
    steps, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < options.seconds:
        step()
        steps += 1
    return {
        "images_per_second": steps * options.batch_size / elapsed,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _numpy_step(batch_size: int, threads: int) -> Callable[[], object]:
    import numpy as np

    from nn.optim import SGD
    from train.architectures import build
    from train.memory import keep_freed_memory
    from train.parallel import DataParallel

    keep_freed_memory()
    rng = np.random.default_rng(0)
    inputs = rng.random((batch_size, 28, 28, 1), dtype=np.float32)
    labels = rng.integers(0, 10, batch_size)
    model, optimizer = build("cnn", 0), SGD(0.01, 0.9, 5e-4)
    parallel = DataParallel(model, threads)

    def step() -> None:
        parallel.loss_and_gradients(inputs, labels)
        optimizer.step(model.parameters())

    return step


def _pytorch_step(batch_size: int, threads: int) -> Callable[[], object]:
    import torch
    from torch import nn

    from nn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D, ReLU
    from train.architectures import build

    def same(layer: Layer) -> list[nn.Module]:
        if isinstance(layer, Conv2D):
            padding = layer.padding
            return [nn.Conv2d(layer.inputs, layer.outputs, layer.size, layer.stride, padding)]
        if isinstance(layer, BatchNorm):
            return [nn.BatchNorm2d(layer.channels)]
        if isinstance(layer, ReLU):
            return [nn.ReLU(inplace=True)]
        if isinstance(layer, Dropout):
            return [nn.Dropout(layer.percent / 100)]
        if isinstance(layer, MaxPool2D):
            return [nn.MaxPool2d(layer.size)]
        if isinstance(layer, Flatten):
            return [nn.Flatten()]
        if isinstance(layer, Dense):
            return [nn.Linear(layer.inputs, layer.outputs)]
        raise TypeError(f"no counterpart of {type(layer).__name__} is known here")

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = nn.Sequential(*(module for layer in build("cnn", 0).layers for module in same(layer)))
    optimizer = torch.optim.SGD(
        model.parameters(), 0.01, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    inputs = torch.rand(batch_size, 1, 28, 28)
    labels = torch.randint(0, 10, (batch_size,))

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()

    return step


def _products_step(batch_size: int, threads: int) -> Callable[[], object]:
    """Return a step that does the network's matrix products and nothing else."""
    import numpy as np

    from nn.layers import Conv2D, Dense
    from nn.layers.unfold import BLOCK_BYTES
    from train.architectures import build

    rng = np.random.default_rng(0)
    model = build("cnn", 0)
    share = batch_size // threads
    x = rng.random((share, 28, 28, 1), dtype=np.float32)
    work = []  # (how often, left, right), in the shapes and orders that the layers use

    def product(images: int, rows: int, inner: int, columns: int, back: bool = False) -> None:
        count = min(images, max(1, BLOCK_BYTES // (rows * inner * 4)))
        left = rng.random((count * rows, inner), dtype=np.float32)
        other = (count * rows, columns) if back else (inner, columns)
        right = rng.random(other, dtype=np.float32)
        work.append((-(-images // count), left.T if back else left, right))

    for layer in model.layers:
        if isinstance(layer, Dense):
            product(share, 1, layer.inputs, layer.outputs)
            product(share, 1, layer.inputs, layer.outputs, back=True)
            product(share, 1, layer.outputs, layer.inputs)
        out = layer.forward(x)
        if isinstance(layer, Conv2D):
            taps, positions = layer.size**2, out.shape[1] * out.shape[2]
            product(share, positions, taps * layer.inputs, layer.outputs)
            if layer.needs_grad_in:
                inputs = x.shape[1] * x.shape[2]
                product(share, inputs, taps * layer.outputs, layer.inputs)
                product(share, inputs, taps * layer.outputs, layer.inputs, back=True)
            else:
                product(share, positions, taps * layer.inputs, layer.outputs, back=True)
        x = out

    def one_share(_: int) -> None:
        for times, left, right in work:
            for _ in range(times):
                np.matmul(left, right)

    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(one_share, range(threads)))


if __name__ == "__main__":
    sys.exit(main())
