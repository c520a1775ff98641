"""Picture files: what each kind of file gives, and what is refused before it can do harm."""

from __future__ import annotations

import base64
import contextlib
import io
import struct
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image, ImageDraw

from limits import Turns
from nn import Recognizer
from server import create_app
from tests.server.conftest import ROOT

ALLOWED = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def seven(mode: str = "L", size: tuple[int, int] = (160, 240)) -> Image.Image:
    """A 7 in the middle of a picture of any mode, black on white."""
    width, height = size
    image = Image.new("L", size, 255)
    corners = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.75)]
    points = [(x * width, y * height) for x, y in corners]
    ImageDraw.Draw(image).line(points, fill=0, width=max(1, min(size) // 16), joint="curve")
    if mode == "I;16":
        return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    if mode in ("LA", "RGBA"):  # ink on nothing
        image, ink = Image.new(mode, size), image
        image.putalpha(Image.fromarray(255 - np.asarray(ink)))
        return image
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def bomb(side: int) -> bytes:
    """A PNG of `side` squared grey pixels, small as a file."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(side + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n"
    return png + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_rows_take_memory_however_short_they_are(client: FlaskClient) -> None:
    status, answer = post(client, encoded(Image.new("1", (1, 10_000_000))))
    assert status == 413
    assert "got 1 x 10000000" in answer["detail"]


def post(client: FlaskClient, body: bytes, kind: str = "PNG") -> tuple[int, dict[str, Any]]:
    answer = client.post("/predict", data=body, content_type=ALLOWED[kind])
    return answer.status_code, answer.get_json()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_of_any_mode_is_read(client: FlaskClient, mode: str) -> None:
    status, answer = post(client, encoded(seven(mode)))
    assert (status, answer["text"]) == (200, "7")


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [True, False])
def test_a_jpeg_of_any_mode_is_read(client: FlaskClient, mode: str, progressive: bool) -> None:
    status, answer = post(client, encoded(seven(mode), "JPEG", progressive=progressive), "JPEG")
    assert (status, answer["text"]) == (200, "7")


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_of_any_mode_is_read(client: FlaskClient, mode: str, lossless: bool) -> None:
    status, answer = post(client, encoded(seven(mode), "WEBP", lossless=lossless), "WEBP")
    assert (status, answer["text"]) == (200, "7")


def test_white_ink_on_a_transparent_ground_is_read(client: FlaskClient) -> None:
    image = Image.new("RGBA", (160, 240), (255, 255, 255, 0))
    image.putalpha(Image.fromarray(255 - np.asarray(seven())))
    status, answer = post(client, encoded(image))
    assert (status, answer["text"]) == (200, "7")


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_photo_is_turned_as_its_camera_was_held(client: FlaskClient, turned: int) -> None:
    upright = seven(size=(160, 240))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = turned
    stored = upright.transpose(undo[turned]) if turned > 1 else upright
    status, answer = post(client, encoded(stored, "JPEG", exif=exif), "JPEG")
    assert (status, answer["text"]) == (200, "7")
    assert answer["digits"][0]["box"] == pytest.approx([48, 55, 117, 185], abs=8)


def test_a_picture_of_16_bits_is_turned_too(client: FlaskClient) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = seven("I;16").transpose(Image.Transpose.ROTATE_90)
    status, answer = post(client, encoded(stored, exif=exif))
    assert (status, answer["text"]) == (200, "7")
    assert answer["digits"][0]["box"] == pytest.approx([48, 55, 117, 185], abs=8)


@pytest.mark.parametrize("kind", ALLOWED)
def test_a_picture_whose_exif_is_damaged_is_read(client: FlaskClient, kind: str) -> None:
    picture = encoded(seven(), kind, exif=b"Exif\0\0garbage!")
    status, answer = post(client, picture, kind)
    assert (status, answer["text"]) == (200, "7")


def test_what_is_odd_in_a_file_is_not_told_to_the_log() -> None:
    cut_off = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x0f\0\2\0\0\0\x32\xff\xff\xff\0\0\0\0\0"
    program = (
        "import sys; from pictures import ALL, Room, open_picture; "
        "open_picture(sys.stdin.buffer.read(), ['JPEG'], 'body', Room(10**6, ALL))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=encoded(seven("RGB"), "JPEG", exif=cut_off),
        cwd=ROOT / ".server",
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""


@pytest.mark.parametrize("kind", ALLOWED)
def test_a_large_photo_is_read_and_boxed_in_its_own_pixels(client: FlaskClient, kind: str) -> None:
    size = {"PNG": (3600, 2700), "JPEG": (8000, 6000), "WEBP": (2800, 2100)}[kind]
    status, answer = post(client, encoded(seven(size=size), kind), kind)
    assert (status, answer["text"]) == (200, "7")
    left, top, right, bottom = answer["digits"][0]["box"]
    width, height = size
    assert (left, top) == pytest.approx((0.3 * width, 0.25 * height), abs=0.06 * width)
    assert (right, bottom) == pytest.approx((0.7 * width, 0.75 * height), abs=0.06 * width)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_reads_as_its_array_does(
    client: FlaskClient, recognizer: Recognizer, mode: str
) -> None:
    image = seven(mode)
    _, answer = post(client, encoded(image))
    assert answer == recognizer.read_image(np.asarray(image)).to_dict()


def test_a_blank_picture_is_an_empty_reading(client: FlaskClient) -> None:
    assert post(client, encoded(Image.new("RGB", (300, 200), "white"))) == (
        200,
        {"text": "", "digits": []},
    )


def test_a_picture_in_json_reads_as_its_file_does(client: FlaskClient) -> None:
    for kind in ALLOWED:
        body = encoded(seven("RGB"), kind)
        in_json = client.post("/predict", json={"image": base64.b64encode(body).decode()})
        assert in_json.get_json() == post(client, body, kind)[1]


# What is refused


Image.init()


@pytest.mark.parametrize("kind", sorted(set(Image.SAVE) - set(ALLOWED) - {"MPO"}))
def test_a_file_of_another_kind_is_refused_whatever_it_is_called(
    client: FlaskClient, kind: str
) -> None:
    for mode in ("RGB", "L", "1", "P", "F"):
        try:
            body = encoded(seven(mode, (64, 64)), kind)
            break
        except Exception:  # not all kinds can be written, nor of each mode
            continue
    else:
        body = kind.encode()
    for declared in ALLOWED:
        status, answer = post(client, body, declared)
        assert status == 400
        assert answer["field"] == "body"
        assert answer["detail"].startswith(f"body: expected an intact picture ({declared})")
        assert " at 0x" not in answer["detail"]


@pytest.mark.parametrize("declared", ALLOWED)
@pytest.mark.parametrize("kind", ALLOWED)
def test_a_picture_must_be_what_its_type_says(
    client: FlaskClient, kind: str, declared: str
) -> None:
    status, _ = post(client, encoded(seven("RGB"), kind), declared)
    assert status == (200 if kind == declared else 400)


@pytest.mark.parametrize("kind", ALLOWED)
def test_a_truncated_picture_is_refused(client: FlaskClient, kind: str) -> None:
    body = encoded(seven("RGB"), kind)
    for length in (0, 1, 12, 30, len(body) // 2, len(body) * 3 // 4):
        status, answer = post(client, body[:length], kind)
        assert (status, answer["field"]) == (400, "body"), length


def test_a_picture_of_gigabytes_in_a_few_kilobytes_is_refused(client: FlaskClient) -> None:
    body = bomb(30_000)
    assert len(body) < 1_000_000
    status, answer = post(client, body)
    assert status == 413
    assert answer["field"] == "body"
    status, answer = post(client, bomb(4000))
    assert status == 413
    assert answer["detail"] == "body: at most 10 million pixels of PNG a request, got 4000 x 4000"


def test_text_that_unpacks_to_gigabytes_is_refused(client: FlaskClient) -> None:
    body = encoded(seven())
    content = b"Comment\0\0" + zlib.compress(bytes(300_000_000), 9)
    status, _ = post(client, body[:33] + chunk(b"zTXt", content) + body[33:])
    assert status in (200, 400)  # Pillow reads past it or stops; it never unpacks it all


def test_a_jpeg_that_comes_in_passes_takes_four_times_the_memory(built_site: Any) -> None:
    small = create_app({"SITE": built_site, "MAX_DECODED": 4 * 210 * 200}).test_client()
    assert post(small, encoded(seven(size=(200, 200)), "JPEG"), "JPEG")[0] == 200
    status, answer = post(small, encoded(seven(size=(200, 200)), "JPEG", progressive=True), "JPEG")
    assert status == 413
    assert "of progressive JPEG a request" in answer["detail"]


def test_while_one_unpacks_a_large_picture_another_may_wait_and_no_third() -> None:
    turns = Turns()
    turns.lock = contextlib.nullcontext()  # nobody waits here: that would take a thread
    with turns.take() as first, turns.take() as second, turns.take() as third:
        assert (first, second, third) == (True, True, False)
    with turns.take() as again:
        assert again


def test_pictures_of_a_batch_are_counted_together(built_site: Any) -> None:
    small = create_app({"SITE": built_site, "MAX_DECODED": 13 * 100_000}).test_client()
    item = {"image": base64.b64encode(encoded(seven(size=(200, 200)))).decode()}
    assert small.post("/predict", json={"batch": [item] * 2}).status_code == 200
    refused = small.post("/predict", json={"batch": [item] * 3})
    assert refused.status_code == 413
    assert refused.get_json()["field"] == "batch[2].image"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(client: FlaskClient, kind: str) -> None:
    frames = [seven("RGB"), Image.new("RGB", (160, 240), "white")]
    body = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    status, answer = post(client, body, kind)
    assert status == 400
    assert answer["detail"] == "body: expected a still picture, got an animated one"


def test_a_photo_of_several_views_is_read_by_its_first(client: FlaskClient) -> None:
    body = encoded(seven("RGB"), "MPO", save_all=True, append_images=[seven("RGB")])
    status, answer = post(client, body, "JPEG")
    assert (status, answer["text"]) == (200, "7")


def test_what_is_not_base64_is_refused(client: FlaskClient) -> None:
    for value in ("", "ü", "AAAA=A", 7, None, ["AAAA"]):
        answer = client.post("/predict", json={"image": value})
        assert answer.status_code == 400, value
        assert answer.get_json()["field"] == "image"
