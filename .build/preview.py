"""What chats, networks and searches show of an address that is shared: tags in each page's head."""

from __future__ import annotations

import io
import re
from html import escape, unescape

from PIL import Image

from errors import BuildError

PICTURE = "generated/preview.png"
TEXT = "A drawn 52, what the network answers, and how likely each digit is"


def site_address(given: str) -> str:
    """Return the address of the site, ending with a slash; raise BuildError if it is none."""
    if not re.fullmatch(r"https?://[\w.-]+(:\d+)?(/[^\s?#\\]*)?", given, re.IGNORECASE):
        raise BuildError(
            f"--url {given}: give the whole address that the site will have, from http:// or "
            "https:// on, without ? and #; for example https://example.org/digits/"
        )
    return re.sub(r"(/index\.html)?/*$", "", given) + "/"


def with_tags(page: bytes, name: str, site: str, picture: bytes) -> bytes:
    """Return a page of the site at `site`, its own title and description told to whoever links it.

    These want whole addresses, which the pages themselves do without.
    """
    text = page.decode()
    title = "".join(re.findall(r"<title[^>]*>(.*?)</title>", text))
    about = "".join(re.findall(r'<meta\s+name="description"\s+content="([^"]*)"', text))
    address = site + name.removesuffix("index.html")
    width, height = Image.open(io.BytesIO(picture)).size
    told = {
        "og:type": "website",
        "og:url": address,
        "og:title": unescape(title),
        "og:description": unescape(about),
        "og:image": site + PICTURE,
        "og:image:width": width,
        "og:image:height": height,
        "og:image:alt": TEXT,
    }
    tags = [f'<meta property="{key}" content="{escape(str(told[key]))}" />' for key in told]
    tags.append('<meta name="twitter:card" content="summary_large_image" />')
    tags.append(f'<link rel="canonical" href="{escape(address)}" />')
    return text.replace("</head>", "".join(f"  {tag}\n  " for tag in tags) + "</head>", 1).encode()
