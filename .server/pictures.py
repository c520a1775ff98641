"""Picture files become pixels, and no more memory is taken for them than is allowed."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from problems import Refused

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
# Memory for each pixel at the peak, measured; a JPEG in one pass is shrunk as it is unpacked.
DECODER_BYTES = {"PNG": 13, "JPEG": 2, "progressive JPEG": 8, "WEBP": 21}
ROW = 8  # pixels that a row takes beside its own: an address of it in each copy, and its padding
LARGE = 2**20  # pixels: only one picture larger than this is unpacked at a time
ONE_DRAWING, NOTHING_LARGE, ALL = range(3)  # what may be read for a request at this time
SHRUNK = 2**22  # pixels: a larger picture is shrunk before the network's own code sees it

# What Pillow finds odd in a file is its sender's matter, and no line of the log.
warnings.filterwarnings("ignore", module="PIL")


class Room:
    """What the pictures of one request may take while unpacked, in bytes."""

    def __init__(self, most: int, allowed: int) -> None:
        self.most, self.left, self.allowed = most, most, allowed

    def take(self, image: Image.Image, field: str) -> None:
        """Refuse what would take too much memory, and what is more than one picture."""
        kind = "JPEG" if image.format == "MPO" else str(image.format)  # some phones' JPEG
        if kind == "JPEG" and "progressive" in image.info:
            kind = "progressive JPEG"
        area = (image.width + ROW) * image.height
        self.left -= area * DECODER_BYTES[kind]
        if self.left < 0:
            most = f"{int(self.most / DECODER_BYTES[kind] / 1e6)} million pixels"
            came = f"{image.width} x {image.height}"
            raise Refused(413, f"{field}: at most {most} of {kind} a request, got {came}", field)
        if kind in ("PNG", "WEBP") and getattr(image, "is_animated", False):
            raise Refused(400, f"{field}: expected a still picture, got an animated one", field)
        if self.allowed < (ALL if area > LARGE else NOTHING_LARGE):
            raise Refused(503, "too many large pictures at once: try again", field)


def open_picture(
    picture: bytes, formats: list[str], field: str, room: Room
) -> tuple[NDArray[Any], int]:
    """Return the pixels of a picture file of one of `formats`, and how many times they were shrunk.

    Its header is checked before it is unpacked. Raises Refused for what is no such picture, or one
    for which there is no `room`.
    """
    try:
        with Image.open(io.BytesIO(picture), formats=formats) as image:
            room.take(image, field)
            return _unpack(image)
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        detail = f"{field}: expected a smaller picture: {error}"
        raise Refused(413, detail, field) from error
    except Exception as error:  # Pillow's decoders raise many kinds on damaged bytes
        expected = f"an intact picture ({', '.join(formats)})"
        is_none = isinstance(error, UnidentifiedImageError)  # whose text has an address in it
        came = ", got other bytes" if is_none else f": {error}"
        raise Refused(400, f"{field}: expected {expected}{came}", field) from error


def _unpack(image: Image.Image) -> tuple[NDArray[Any], int]:
    """The pixels as `Recognizer.read_image` takes them, and how many times they were shrunk."""
    longer = max(image.size)
    part = 1
    while part < 8 and image.width * image.height > SHRUNK * part * part:
        part *= 2
    image.draft(image.mode, (image.width // part, image.height // part))  # what JPEG alone can
    image.load()
    if image.mode.startswith("I;16"):
        # What is made of an array knows no more how the camera was held.
        image = Image.fromarray((np.asarray(_upright(image)) >> 8).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    if image.width * image.height > SHRUNK:
        image = image.convert("L" if image.mode == "1" else image.mode)
        image = image.reduce(max(2, round((image.width * image.height / SHRUNK) ** 0.5)))
    shrunk = round(longer / max(image.size))
    return np.asarray(_upright(image)), shrunk


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as its file says: a phone's photos lie on their side."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # many kinds where what it says is damaged: browsers show the picture then
        return image
