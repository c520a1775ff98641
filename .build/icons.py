"""The icons of the page, drawn in all sizes that systems want."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def icons() -> dict[str, bytes]:
    """Return PNGs of what icon.svg shows, by name, for those that want them so.

    A maskable icon may be cut to a circle of 80 % of its side, and an Apple icon is rounded by the
    system: both fill their square. The same Pillow always gives the same bytes.
    """
    wanted = {  # name: (side, radius of the corners, size of the seven; of a side of 64)
        "favicon-32.png": (32, 14, 1.0),
        "icon-192.png": (192, 14, 1.0),
        "icon-512.png": (512, 14, 1.0),
        "maskable-512.png": (512, 0, 0.8),
        "apple-touch-icon.png": (180, 0, 0.9),
    }
    return {name: _icon(*form) for name, form in wanted.items()}


def _icon(side: int, radius: float, size: float) -> bytes:
    unit = 4 * side / 64  # drawn four times as large and shrunk: smooth edges
    picture = Image.new("RGBA", (4 * side, 4 * side))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, 4 * side - 1, 4 * side - 1), radius * unit, "#2742c9")
    # The path of icon.svg, M20 18c7 2 16 1 24-1-8 9-13 19-16 31, as the dots of a round pen.
    curves = [((20, 18), (27, 20), (36, 19), (44, 17)), ((44, 17), (36, 26), (31, 36), (28, 48))]
    for start, one, two, end in curves:
        for step in range(1001):
            t = step / 1000
            weights_of = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            x, y = (
                sum(w * p[axis] for w, p in zip(weights_of, (start, one, two, end), strict=True))
                for axis in (0, 1)
            )
            x, y = 32 + size * (x - 32), 32 + size * (y - 32)
            pen.circle((x * unit, y * unit), 3.5 * size * unit, "#fffdf8")
    packed = io.BytesIO()
    picture.resize((side, side), Image.Resampling.BOX).save(packed, "PNG", optimize=True)
    return packed.getvalue()
