"""Draw figures as bars, in an SVG that is readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH, ROW, LABEL, BARS = 750, 30, 220, 440
STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#57534e}.bar{fill:#a8a29e}.own{fill:#2563eb}"
    "@media(prefers-color-scheme:dark){text{fill:#d6d3d1}.bar{fill:#57534e}.own{fill:#60a5fa}}"
)


def draw_chart(seconds: Mapping[str, float], own: str) -> str:
    """Return the bars of `seconds` by name as an SVG; names that begin with `own` stand out."""
    longest = max(seconds.values())
    height = ROW * len(seconds) + 34
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="Seconds from the navigation to the first answer">',
        f"<style>{STYLE}</style>",
        '<text x="0" y="16">Seconds from the navigation to the first answer</text>',
    ]
    for number, (name, value) in enumerate(seconds.items()):
        y = 30 + ROW * number
        kind = "own" if name.startswith(own) else "bar"
        width = value / longest * BARS
        lines += [
            f'<text x="{LABEL - 10}" y="{y + 16}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{width:.1f}" height="22" rx="3"/>',
            f'<text x="{LABEL + width + 8:.1f}" y="{y + 16}">{value:.2f}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
