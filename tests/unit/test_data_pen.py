"""Pen drawings: what is sound comes back, and what is not is refused with line and field."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bench import bench_correction, bench_teaching
from tests.sample import drawings, write_pen
from train.data import DataError, load_pen, places, read_drawings

GOOD = {"writer": "ann", "label": "7", "strokes": [[[0, 0], [3.5, -2]], [[1, 1]]]}


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "file.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return path


def without(field: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != field}


def test_a_drawing_comes_back_as_float32_strokes(tmp_path: Path) -> None:
    (drawing,) = read_drawings(written(tmp_path, GOOD))
    assert (drawing.writer, drawing.label) == ("ann", "7")
    assert [stroke.dtype for stroke in drawing.strokes] == [np.float32, np.float32]
    np.testing.assert_array_equal(drawing.strokes[0], [[0, 0], [3.5, -2]])
    np.testing.assert_array_equal(drawing.strokes[1], [[1, 1]])


points = st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 2), min_size=1, max_size=5)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(
    records=st.lists(
        st.fixed_dictionaries(
            {
                "writer": st.text(min_size=1),
                "label": st.text(min_size=1, max_size=2),
                "strokes": st.lists(points, min_size=1, max_size=3),
            }
        ),
        min_size=1,
        max_size=3,
    ),
    compress=st.booleans(),
)
def test_what_was_written_is_read(
    tmp_path: Path, records: list[dict[str, Any]], compress: bool
) -> None:
    path = written(tmp_path, *records)
    if compress:
        path.write_bytes(gzip.compress(path.read_bytes()))
    for drawing, record in zip(read_drawings(path), records, strict=True):
        assert (drawing.writer, drawing.label) == (record["writer"], record["label"])
        for stroke, expected in zip(drawing.strokes, record["strokes"], strict=True):
            np.testing.assert_array_equal(stroke, np.array(expected, np.float32))


def test_empty_lines_and_other_fields_are_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "", {**GOOD, "pen": "fine"}, "  ", GOOD, "")
    assert len(read_drawings(path)) == 2


def strokes(value: Any) -> dict[str, Any]:
    return {**GOOD, "strokes": value}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"expected one JSON object, .*: Expecting"),
        ("[]", r"expected one JSON object, .* got \[\]"),
        ("[" * 100_000, "expected one JSON object"),
        (without("writer"), "field 'writer' is missing"),
        (without("label"), "field 'label' is missing"),
        (without("strokes"), "field 'strokes' is missing"),
        ({**GOOD, "label": 7}, "label: expected a text that is not empty, got 7"),
        ({**GOOD, "writer": ""}, 'writer: expected a text that is not empty, got ""'),
        (strokes([]), r"strokes: expected a list of at least one stroke, got \[\]"),
        (strokes({"x": 1}), r"strokes: expected a list of at least one stroke, got {"),
        (strokes([[]]), r"strokes\[0\]: expected a list of at least one point, got \[\]"),
        (strokes([5]), r"strokes\[0\]: expected a list of at least one point, got 5"),
        (strokes([[1, 2]]), r"strokes\[0\]\[0\]: expected two finite numbers of .*, got 1"),
        (strokes([[[[1, 2]]]]), r"strokes\[0\]\[0\]: .* got \[\[1, 2\]\]"),
        (strokes([[[1, 2]], [[1, 2], [3]]]), r"strokes\[1\]\[1\]: .* got \[3\]"),
        (strokes([[[1, 2, 3]]]), r"strokes\[0\]\[0\]: .* got \[1, 2, 3\]"),
        (strokes([[["1", "2"]]]), r'strokes\[0\]\[0\]: .* got \["1", "2"\]'),
        (strokes([[[1, None]]]), r"strokes\[0\]\[0\]: .* got \[1, null\]"),
        (strokes([[[True, False]]]), r"strokes\[0\]\[0\]: .* got \[true, false\]"),
        (strokes([[[1, float("nan")]]]), r"strokes\[0\]\[0\]: .* got \[1, NaN\]"),
        (strokes([[[0, 0], [float("inf"), 1]]]), r"strokes\[0\]\[1\]: .* got \[Infinity, 1\]"),
        (strokes([[[1e300, 1]]]), r"strokes\[0\]\[0\]: .* got \[1e\+300, 1\]"),
        (
            strokes([[[2e9, 1]]]),
            r"strokes\[0\]\[0\]: .* size at most 1e\+09, got \[2000000000.0, 1\]",
        ),
        (strokes([[[10**400, 1]]]), r"strokes\[0\]\[0\]: expected two finite numbers of .*\[1000"),
        (strokes([["long" * 100]]), r'strokes\[0\]\[0\]: .* got "longlong.{1,80}\.\.\.$'),
    ],
)
def test_a_bad_line_is_named_by_number_and_field(tmp_path: Path, line: Any, message: str) -> None:
    path = written(tmp_path, GOOD, line, GOOD)
    with pytest.raises(DataError, match=message) as caught:
        read_drawings(path)
    assert str(caught.value).startswith(f"{path}, line 2: ")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected at least one line .* got none"):
        read_drawings(written(tmp_path, " ", ""))


def test_bytes_that_are_no_text_are_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"\xff\xfe{}\n")
    with pytest.raises(DataError, match="line 1: expected one JSON object"):
        read_drawings(path)


def test_a_collection_is_loaded_from_a_named_folder(tmp_path: Path) -> None:
    loaded = load_pen(write_pen(tmp_path, writers=3))
    assert len(loaded) == 30
    assert {drawing.writer for drawing in loaded} == {"w0", "w1", "w2"}


def test_a_missing_collection_is_asked_for_by_name_and_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "PROJECT", tmp_path / "project")
    monkeypatch.setenv("DIGITS_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("DIGITS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError) as caught:
        load_pen()
    message = str(caught.value)
    assert f"Put a file digits.jsonl.gz or digits.jsonl into {tmp_path / 'own/unipen'}" in message
    assert '{"writer": "ann", "label": "7", "strokes": [[[x, y]' in message
    for place in ("project/data/unipen", "shared/data/unipen", "cache/unipen"):
        assert str(tmp_path / place) in message
    write_pen(tmp_path / "shared/data/unipen", writers=2)
    assert len(load_pen()) == 20


def test_the_projects_drawings_are_sound_and_many_for_each_digit() -> None:
    samples = drawings()
    assert len({(sample.label, sample.style) for sample in samples}) == len(samples) >= 60
    for digit in "0123456789":
        assert sum(sample.label == digit for sample in samples) >= 6
    for sample in samples:
        for stroke in sample.strokes:
            array = np.array(stroke)
            assert array.ndim == 2
            assert array.shape[1] == 2
            assert array.min() >= 0
            assert array.max() <= 280


def test_a_digit_labelled_otherwise_is_refused_by_line(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, {**GOOD, "label": "x"}).rename(tmp_path / "digits.jsonl")
    with pytest.raises(DataError, match=r'line 2: label: expected one of 0, 1, .*, 9, got "x"'):
        load_pen(path.parent)
    path.rename(tmp_path / "nondigits.jsonl")
    assert [drawing.label for drawing in load_pen(tmp_path, "nondigits")] == ["7", "x"]


@pytest.mark.parametrize(
    ("bench", "missing"),
    [(bench_teaching, "digits"), (bench_teaching, "nondigits"), (bench_correction, "digits")],
)
def test_measures_that_need_pen_drawings_are_left_out_without_them(
    bench: ModuleType,
    missing: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`make bench` goes on with the others."""
    if missing == "nondigits":
        write_pen(tmp_path)
    monkeypatch.setattr("train.data.pen.data_directories", lambda name: [tmp_path])
    assert bench.main([]) == 0
    assert capsys.readouterr().out.startswith(f"skipped: Pen-drawn {missing} are missing. Put ")
