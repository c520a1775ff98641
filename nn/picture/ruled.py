"""The lines of ruled or squared paper are no ink."""

from __future__ import annotations

from nn.picture.boxes import without_boxes
from nn.picture.crossing import without_lines
from nn.picture.lattice import completed
from nn.picture.pieces import Grey, rim
from nn.picture.straight import Rule, rules_in

WIDEST = 32  # of them would fill the picture: a line of the paper is no wider
SURE = 2  # level lines are the paper's, whatever else there is,
SHORT, NEAR = 0.08, 0.02  # if they end so near the rim, and others so near where they are not sure


def without_rules(ink: Grey, least: float, body: float, is_part: bool = False) -> Grey:
    """Return ``ink: (h, w)``, full ink 1, without lines across the picture, itself without any.

    Lines are at least ``least`` strong; ``body`` is what holds strokes together, which stay where
    they go over a line. A single line stays if something else lies on the rim: in a picture that
    was cut out tightly the bar of a 7 may go from side to side, or a 1 from top to bottom. So it
    does in what ``is_part`` of a picture, cut out about a digit.
    """
    unboxed = without_boxes(ink, least, body)
    if unboxed is not ink:
        return unboxed
    widest = min(ink.shape) // WIDEST
    if not widest:
        return ink
    level = _rules(ink, widest, least)
    is_sure = sum(rule.goes_across(SHORT) for rule in level) >= SURE
    if is_part and not is_sure:
        return ink
    short = SHORT if is_sure else max(NEAR, 2 / min(ink.shape))
    lines = [rule.line for rule in level if rule.goes_across(short)]
    lines += [
        rule.line.turned() for rule in _rules(ink.T, widest, least) if rule.goes_across(short)
    ]
    rest = without_lines(ink, lines, body)
    return rest if is_sure or not rim(rest > body).any() else ink


def _rules(ink: Grey, widest: int, least: float) -> list[Rule]:
    """Return the level lines, with those that are missing among equally distant ones."""
    return completed(ink, list(rules_in(ink, widest, least)), SHORT, least)
