"""How large the steps are in the course of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from train.config import Config

WARM_UP = 0.05
"""The share of a cycle in which the learning rate rises from almost nothing."""
AFTER_RESTART = 0.5
"""Later cycles rise to this share of the first one's height: they refine what is there."""

OF_CYCLES = ("restart_after", "finish", "sharpness_radius")
"""The settings that do something only in a run that has the second or the third cycle."""


@dataclass(frozen=True)
class Cycle:
    """Steps ``first`` to before ``last``, over which the learning rate rises and falls once."""

    first: int
    last: int
    highest: float
    radius: float = 0.0
    """Within this distance of the weights the loss is to be low: see train.sharpness; 0 for not."""

    def learning_rate(self, step: int) -> float:
        """Return the rate for a step of the run that lies in this cycle."""
        return learning_rate(self.highest, step - self.first, self.last - self.first)


def cycles(config: Config, steps_per_epoch: int) -> tuple[Cycle, ...]:
    """Return the cycles of a run, without gaps: one, two or three, as the settings ask for.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """
    steps = config.epochs * steps_per_epoch
    restart = config.restart_after * steps_per_epoch
    if not 0 < restart < steps:
        return (Cycle(0, steps, config.learning_rate),)
    finish = steps - config.finish * steps_per_epoch
    if finish <= restart:  # there is no room for it
        finish = steps
    all_three = (
        Cycle(0, restart, config.learning_rate),
        Cycle(restart, finish, AFTER_RESTART * config.learning_rate),
        Cycle(finish, steps, AFTER_RESTART * config.learning_rate, config.sharpness_radius),
    )
    return all_three[:2] if finish == steps else all_three


def without_effect(config: Config) -> str:
    """Say in a line which settings do nothing, because the run lacks their cycle; "" if none do.

    A run that is too short for the usual restart, as first trials are, is not told of it, unless
    one of these settings is not the usual one: it was asked for.
    """
    restarts = 0 < config.restart_after < config.epochs
    finishes = restarts and 0 < config.finish < config.epochs - config.restart_after
    asked = {name for name in OF_CYCLES if getattr(config, name) != getattr(Config, name)}
    idle = set()
    if not restarts:
        idle |= {"restart_after"}
    if not finishes:
        idle |= {"finish"} | asked & {"sharpness_radius"}
    shown = [
        f"--{name.replace('_', '-')} {getattr(config, name)}"
        for name in OF_CYCLES
        if name in idle and getattr(config, name)
    ]
    if not shown or not (restarts or asked):
        return ""
    return (
        f"Without effect in this run: {', '.join(shown)}. It has {config.epochs} epochs: a restart "
        "takes more than come before it, a finish takes a restart and more than both together."
    )


def at(cycles: tuple[Cycle, ...], step: int) -> Cycle:
    """Return the cycle in which a step lies."""
    return next((cycle for cycle in cycles if step < cycle.last), cycles[-1])


def learning_rate(highest: float, step: int, steps: int) -> float:
    """Return the rate for ``step`` of ``steps``: a straight rise, then half a cosine down to zero.

    The shape is that of the same paper; the rise is from Goyal and others, "Accurate, Large
    Minibatch SGD", 2017.
    """
    warm_up = WARM_UP * steps
    if step < warm_up:
        return highest * (step + 1) / (warm_up + 1)
    return highest * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
