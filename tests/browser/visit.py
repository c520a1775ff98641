"""Has the page's engine do what visitors have it do, with many drawings and pictures."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageOps
from playwright.sync_api import Page

from tests.browser.drawing import DRAWINGS, Strokes, number
from tests.browser.test_bringing import joined, photo
from tests.sample import in_one_stroke

SHARES = [0.1, 0.4, 0.7, 1]
"""Drawings are read as they grow: with so many of their points."""
VISIT = """async ([drawings, pictures, shares]) => {
    const { engine } = await import(new URL('app.js', document.baseURI));
    const known = [];
    const answered = ({ ok, result, error }) => {
        if (!ok) throw new Error(error);
        return result;
    };
    for (const [i, strokes] of drawings.entries()) {
        const count = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
        let digits = [];
        for (const share of shares) {
            let left = Math.ceil(count * share);
            const grown = [];
            for (const stroke of strokes) {
                if (left > 0) grown.push(stroke.slice(0, left));
                left -= stroke.length;
            }
            ({ digits } = answered(await engine.read(grown)));
        }
        if (i % 4) continue; // to explain takes much longer than to read, and the same functions
        for (const { image, digit } of digits) {
            answered(await engine.look(image));
            answered(await engine.explain(image));
            answered(await engine.lesson(image, digit ?? 0));
            if (known.length < 3) known.push({ image, digit: digit ?? 0 });
        }
    }
    for (const picture of pictures) answered(await engine.view(picture));
    answered(await engine.teach(known.slice(0, 1)));
    answered(await engine.teach(known));
    for (const strokes of drawings.slice(0, 5)) answered(await engine.read(strokes));
    answered(await engine.teach([]));
}"""


def visit(page: Page) -> None:
    """Read drawings as they grow, look inside, read pictures, teach and forget."""
    numbers = [number("1234", 0.25), number("47"), [*number("12"), [[10.0, 240.0], [270.0, 242.0]]]]
    signs = [[[20.0, 140.0], [45.0, 141.0]], *number(" 9"), [[200.0, 185.0], [201.0, 186.0]]]
    below = [[[x, y + 200.0] for x, y in stroke] for stroke in number("306")]
    few = [[[60.0, 60.0], [60.0, 60.0], [200.0, 90.0], [190.0, 220.0], [70.0, 200.0]]]
    drawings = [few, *(each["strokes"] for each in DRAWINGS), *numbers, signs, number("47") + below]
    drawings.append(in_one_stroke("203"))
    pictures = [photo("42"), photo("9"), joined("350"), joined("1747"), photo("8 6")]
    pictures += [ImageOps.invert(photo("25")), photo("31").resize((1680, 840)).rotate(3), blocks()]
    pictures += [below_each_other(photo("42"), photo("350")), *in_the_way(photo("42"))]
    drawings += list(scribbles(40))
    page.evaluate(VISIT, [drawings, [greys(picture) for picture in pictures], SHARES])


def below_each_other(*pictures: Image.Image) -> Image.Image:
    """Return one picture of several, the first above the others."""
    page = Image.new(
        "RGB",
        (max(each.width for each in pictures), sum(each.height for each in pictures)),
        "white",
    )
    top = 0
    for picture in pictures:
        page.paste(picture, (0, top))
        top += picture.height
    return page


def in_the_way(picture: Image.Image) -> Iterator[Image.Image]:
    """Make pictures of one with what else photos show: table, shadow, lines, boxes, finger."""
    yield picture.rotate(8, expand=True, fillcolor=(96, 70, 50))
    width, height = picture.size
    shade = Image.new("L", picture.size, 255)
    ImageDraw.Draw(shade).polygon([(0, height), (width / 2, 250), (width, height)], fill=120)
    yield ImageChops.multiply(picture, shade.convert("RGB"))
    ruled, squared, boxed, held = (picture.copy() for _ in range(4))
    for row in range(40, height, 90):
        ImageDraw.Draw(ruled).line([(0, row), (width, row + 9)], (110, 120, 150), 3)
    yield ruled
    for place in range(7, width + height, 24):
        ImageDraw.Draw(squared).line([(0, place), (width, place - 20)], (130, 130, 140), 4)
        ImageDraw.Draw(squared).line([(place, 0), (place - 20, height)], (130, 130, 140), 4)
    yield squared
    middle = width / 2 - 20
    for left in (40, middle):
        box = (left, 20, left + middle - 40, height - 20)
        ImageDraw.Draw(boxed).rectangle(box, None, "grey", 4)
    yield boxed
    ImageDraw.Draw(held).ellipse((width - 60, 250, width + 60, 340), fill=(170, 120, 100))
    yield held


def blocks() -> Image.Image:
    """Return a wide, low picture with flat pieces in it."""
    picture = Image.new("L", (495, 60), 255)
    pen = ImageDraw.Draw(picture)
    for left, top, right, bottom in ((20, 10, 40, 50), (90, 30, 99, 33), (200, 5, 330, 55)):
        pen.rectangle((left, top, right, bottom), fill=20)
    return picture


def scribbles(count: int) -> Iterator[Strokes]:
    """Make drawings of a few strokes of a few points, some of a single one."""
    chance = random.Random(0)
    for _ in range(count):
        yield [
            [
                [chance.uniform(0, 280), chance.uniform(0, 280)]
                for _ in range(chance.choice([1, 2, 9]))
            ]
            for _ in range(chance.randint(1, 6))
        ]


def greys(picture: Image.Image) -> dict[str, Any]:
    """Return a picture as the page hands it to Python."""
    grey = picture.convert("L")
    pixels = base64.b64encode(grey.tobytes()).decode()
    return {"pixels": pixels, "width": grey.width, "height": grey.height}
