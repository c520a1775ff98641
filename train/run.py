"""A whole run: a folder of its own, training, weights with their measured errors, the result."""

from __future__ import annotations

import json
import math
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from nn import Recognizer, weights
from nn.model import Sequential, fold_batchnorm
from nn.recognizer import DEFAULT_PATH
from train.architectures import build
from train.calibrate import calibrate, calibrate_pictures, refusal_threshold
from train.config import Config
from train.data.files import replacing
from train.evaluate import error_rate
from train.examples import Task
from train.folder import clear, delete_parts, locked, refuse_unfinished
from train.keeper import SaveError
from train.learner import DivergedError
from train.loop import fit
from train.teachers import Teachers

DESCRIPTION = "run.json"


@dataclass(frozen=True)
class Plan:
    """What a run is asked to do."""

    config: Config
    directory: Path
    out: Path
    resume: str = ""
    fresh: bool = False
    save_every: float = 30.0


@contextmanager
def begun(plan: Plan) -> Iterator[None]:
    """Hold the run's folder; raises train.folder.FolderError if it is not to be had.

    An earlier run stays where it is until ``make_room``: the data are read first.
    """
    with locked(plan.directory):
        delete_parts(plan.directory)
        if not plan.resume and not plan.fresh:
            refuse_unfinished(plan.directory)
        elif plan.resume and not (plan.directory / DESCRIPTION).exists():
            print(f"There is no run in {plan.directory} yet: it begins.", file=sys.stderr)
        yield


def make_room(plan: Plan, task: Task, start: Sequential | None = None) -> dict[Path, Path]:
    """Put an earlier run's files aside, unless it is to go on; return where each of them now lies.

    Everything that can refuse the new run comes before this, so that a misspelt option does not
    cost the place of the last one. ``start``: the network that training begins with, by default a
    fresh one; raises ValueError if it could not ship.
    """
    fresh = build(plan.config.model, 0, task.outputs)
    check_can_ship(fresh if start is None else start, plan.config.model)
    return {} if plan.resume else clear(plan.directory)


def describe(
    plan: Plan, command: str, options: Mapping[str, Any], identity: Mapping[str, str]
) -> None:
    """Write into the run's folder what it takes to repeat it: the command and all its options.

    A run that is resumed keeps the description that it has. ``identity`` holds hashes of the data;
    the versions are there because only the same ones give the same bits.
    """
    path = plan.directory / DESCRIPTION
    if plan.resume and path.exists():
        return
    made_with = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
    }
    write_json(
        path,
        {
            "command": command,
            "options": dict(options),
            "identity": dict(identity),
            "made_with": made_with,
        },
    )


def warn_of_changes(origin: Path | None, identity: Mapping[str, str]) -> None:
    """Say what is not as it was in the run that is to be repeated."""
    if origin is None:
        return
    described = json.loads(origin.read_text("utf-8"))
    was = described.get("identity", {})
    changed = [name for name in was.keys() | identity.keys() if was.get(name) != identity.get(name)]
    if changed:
        print(
            f"This is no exact repetition of {origin}: other than there are "
            f"{', '.join(sorted(changed))}.",
            file=sys.stderr,
        )
    numpy = described.get("made_with", {}).get("numpy", np.__version__)
    if numpy != np.__version__:
        print(
            f"{origin} was made with NumPy {numpy}, this is {np.__version__}: "
            "the last bits may differ.",
            file=sys.stderr,
        )


def train(
    plan: Plan,
    task: Task,
    identity: Mapping[str, str],
    start: Sequential | None = None,
    teachers: Teachers | None = None,
) -> tuple[Sequential, float]:
    """Train as planned; return the network as it ships and the temperature of its calibration."""
    trained = fit(
        task,
        plan.config,
        plan.directory,
        plan.resume,
        start=start,
        teachers=teachers,
        identity=identity,
        save_every=plan.save_every,
    )
    model = fold_batchnorm(trained)
    if not task.validation:
        print("Nothing was held out: how sure the network may be is not known.", file=sys.stderr)
    return model, calibrate(model, task.validation)


def check_can_ship(model: Sequential, name: str) -> None:
    """Find before the training what would fail after it; ValueError says what."""
    try:
        folded = fold_batchnorm(model)
        calibrate(folded, {})
        shape = folded.forward(np.zeros((2, 28, 28, 1), np.float32)).shape
    except ValueError as error:
        raise ValueError(f"model {name}: {error}") from error
    if len(shape) != 2 or shape[1] < 10:
        raise ValueError(f"model {name}: expected outputs (batch, at least 10), got {shape}")


def finish(
    plan: Plan,
    model: Sequential,
    temperature: float,
    task: Task,
    metadata: Mapping[str, Any],
) -> Recognizer:
    """Write the weights and the run's result; return what reads with these weights.

    The errors in both are those of the very numbers in the file, rounding included.
    """
    found = {"temperature": temperature, "date": datetime.now(UTC).date().isoformat()}
    # The caller's may come from weights that were trained before, with such facts of their own.
    metadata = {"config": plan.config.to_dict(), **metadata, **found, "pictures": {}}
    draft = plan.out.with_name(f".{plan.out.name}.draft")
    try:
        _save(draft, model, metadata, plan)
        recognizer = Recognizer.load(draft)
        threshold = refusal_threshold(recognizer, task.validation)
        # Rounded upwards: a lower threshold would refuse the digit that it was read off.
        recognizer.refuse_from = math.ceil(threshold * 10_000) / 10_000
        metadata |= {
            "refuse_from": recognizer.refuse_from,
            "pictures": calibrate_pictures(recognizer, task.validation),
        }
    finally:
        draft.unlink(missing_ok=True)
    errors = {
        kind: {name: error_rate(recognizer, part) for name, part in parts.items()}
        for kind, parts in (("validation", task.validation), ("test", task.test))
    }
    _save(plan.out, model, metadata | {"errors": errors}, plan)
    recognizer = Recognizer.load(plan.out)
    result = {
        "weights": str(plan.out.absolute()),
        "sha256": recognizer.model_hash,
        "temperature": temperature,
        "errors": errors,
    }
    write_json(plan.directory / "result.json", result)
    return recognizer


def _save(path: Path, model: Sequential, metadata: Mapping[str, Any], plan: Plan) -> None:
    try:
        weights.save(path, model, metadata)
    except OSError as error:
        raise SaveError(
            f"{plan.out}: the weights cannot be written ({error.strerror or error}). What was "
            f"learned is in {plan.directory}: make room and go on with --resume"
        ) from error
    except weights.WeightsError as error:
        told = str(error).replace(str(path), str(plan.out))  # nobody asked for the draft
        raise DivergedError(
            f"{told}. Try a --learning-rate below {plan.config.learning_rate}"
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON for people and programs, whole or not at all."""
    with replacing(path) as file:
        file.write((json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def written(out: Path) -> str:
    """Say that weights were written, and how they get into the page."""
    if out.resolve() == DEFAULT_PATH.resolve():
        return f"Wrote {out}. `python build.py` puts it into the page."
    return (
        f"Wrote {out}. To put it into the page, copy it to nn/weights.npz, then run "
        "`python -m train rehearsal` and `python build.py`."
    )
