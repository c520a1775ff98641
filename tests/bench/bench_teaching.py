"""Measure what five corrections of one person's own way to write a digit teach, and what they cost.

    python tests/bench/bench_teaching.py [--weights FILE] [--signs 160] [--part test]

The hands are those of writers that no network has learned from: of the validation part, on which
the settings of teaching were chosen, or of the test part, which has chosen nothing. Two kinds of
private ways: digits that the network misreads, and letters or signs that stand for a digit of the
lot's choice, as in a shorthand of one's own. A misread digit may look
like another one, a 0 like everybody's 1: then either that person's digit or everybody's is read
wrong, so these are told apart from those that look like no other digit. Each way is drawn again by
the variation of strokes that training uses: five drawings are corrected, twenty others are read.
Everybody else's digits are all digits of that part, the writer's own left out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from nn.ink import ink
from nn.recognizer import DEFAULT_PATH, DIGITS, Recognizer
from nn.teach import Pupil, features, last_layer, load_rehearsal
from train.augment import vary_strokes
from train.data import Drawing, MissingDataError, load_pen, split_by_writer
from train.sources.mnist import read_mnist

CORRECTIONS, READ = 5, 20
AGAIN = 5
"""Misread digits are few: each is drawn anew and taught so many times."""
ORDINARY = 0.5
"""What the network takes for a digit with this probability is everybody's way to write it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; return the exit code, 0 where there are no pen drawings to measure on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=DEFAULT_PATH)
    parser.add_argument("--rehearsal", type=Path, default=None)
    parser.add_argument(
        "--signs", type=int, default=160, help="so many letters and signs are tried"
    )
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    options = parser.parse_args(argv)
    try:
        digits, letters = (
            getattr(split_by_writer(load_pen(name=name)), options.part)
            for name in ("digits", "nondigits")
        )
    except MissingDataError as error:
        print(f"skipped: {error}")
        return 0
    recognizer = Recognizer.load(options.weights)
    pupil = Pupil(recognizer.model, load_rehearsal(recognizer.model_hash, options.rehearsal))
    rng = np.random.default_rng(0)
    mnist = getattr(read_mnist(), options.part)
    others = {
        "MNIST": (features(recognizer.model, mnist.images), mnist.labels, None),
        "pen": (
            features(recognizer.model, inked(digits)),
            np.array([int(drawing.label) for drawing in digits]),
            np.array([drawing.writer for drawing in digits]),
        ),
    }
    misread = wrong(recognizer, *others["pen"][:2])
    odd = [(d, int(d.label)) for d, is_wrong in zip(digits, misread, strict=True) if is_wrong]
    chosen = [letters[i] for i in rng.permutation(len(letters))[: options.signs]]
    signs = [(d, int(rng.integers(DIGITS))) for d in chosen if is_private(recognizer, d)]
    print(
        f"weights {recognizer.model_hash[:12]}, writers of the {options.part} part, "
        f"{CORRECTIONS} corrections, {READ} others read"
    )
    print(f"{'':24}{'ways':>6}{'read right':>12}{'9 in 10':>9}", end="")
    print("".join(f"{f'{name}, others':>16}{'most':>7}" for name in others), f"{'seconds':>9}")
    odd = [way for way in odd for _ in range(AGAIN)]
    tried = [try_way(recognizer, pupil, way, others, rng) for way in odd]
    own = [is_private(recognizer, drawing) for drawing, _ in odd]
    report("misread digits", tried)
    for title, wanted in (("  like no other digit", True), ("  like another digit", False)):
        report(title, [way for way, found in zip(tried, own, strict=True) if found is wanted])
    report("letters and signs", [try_way(recognizer, pupil, way, others, rng) for way in signs])
    return 0


def inked(drawings: Sequence[Drawing]) -> NDArray[np.uint8]:
    """Return drawings as the network sees them."""
    return np.array([ink(drawing.strokes) for drawing in drawings], np.uint8)


def wrong(
    recognizer: Recognizer, found: NDArray[np.float32], labels: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Tell which features are read as another digit than their label."""
    scores = last_layer(recognizer.model).forward(found)
    answers: NDArray[np.bool_] = scores.argmax(axis=1) != labels
    return answers


def is_private(recognizer: Recognizer, drawing: Drawing) -> bool:
    """Tell whether a sign is nobody's usual digit: an O cannot be taught as a 4 without harm."""
    return bool(recognizer.classify(inked([drawing]))[0, :DIGITS].max() < ORDINARY)


def try_way(recognizer, pupil, way, others, rng):  # type: ignore[no-untyped-def]
    """Teach one way; return the share read right, the rise of each error and the seconds."""
    drawing, digit = way
    drawn = []
    for _ in range(CORRECTIONS + READ):
        strokes, pen_width = vary_strokes(drawing.strokes, rng)
        drawn.append(ink(strokes, pen_width))
    images = np.array(drawn)
    parts = {
        name: (found, labels, slice(None) if writers is None else writers != drawing.writer)
        for name, (found, labels, writers) in others.items()
    }

    def errors() -> list[float]:
        return [
            100 * float(wrong(recognizer, found[which], labels[which]).mean())
            for found, labels, which in parts.values()
        ]

    pupil.learn(images[:0], np.empty(0, np.uint8))
    before = errors()
    start = time.perf_counter()
    pupil.learn(images[:CORRECTIONS], np.full(CORRECTIONS, digit))
    seconds = time.perf_counter() - start
    answers = recognizer.classify(images[CORRECTIONS:]).argmax(axis=1)
    rises = [after - earlier for after, earlier in zip(errors(), before, strict=True)]
    return float((answers == digit).mean()), rises, seconds


def report(title: str, tried: Sequence[tuple[float, list[float], float]]) -> None:
    """Print a line: means over all ways, the share of ways at 9 in 10, the worst rises."""
    right = np.array([share for share, _, _ in tried])
    rises = np.array([rise for _, rise, _ in tried])
    seconds = np.median([each for _, _, each in tried])
    print(f"{title:24}{len(tried):>6}{right.mean():>12.1%}{(right >= 0.9).mean():>9.0%}", end="")
    for mean, most in zip(rises.mean(axis=0), rises.max(axis=0), strict=True):
        print(f"{mean:>+16.3f}{most:>+7.2f}", end="")
    print(f"{seconds:>10.3f}")


if __name__ == "__main__":
    sys.exit(main())
