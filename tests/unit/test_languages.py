"""Every language has the same texts with the same places for values, and the page uses them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

SITE = Path(__file__).parents[2] / "site"
LANGUAGES = sorted(path.stem for path in (SITE / "languages").glob("*.json"))
PAGES = [page for page in sorted(SITE.glob("*.html")) if "language.js" in page.read_text("utf-8")]
PLURALS = {  # the plural forms of Unicode's CLDR
    "en": {"one", "other"},
    "de": {"one", "other"},
    "fr": {"one", "many", "other"},
    "es": {"one", "many", "other"},
    "pt": {"one", "many", "other"},
}

Words = dict[str, str | dict[str, str]]


def read_words(tag: str) -> Words:
    """Return a language's texts by their keys; a key that stands twice is an error."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), {key for key in keys if keys.count(key) > 1}
        return dict(pairs)

    text = (SITE / "languages" / f"{tag}.json").read_text("utf-8")
    words: Words = json.loads(text, object_pairs_hook=unique)
    return words


ENGLISH, GERMAN = read_words("en"), read_words("de")


def places(text: str) -> set[str]:
    """Return what a text has places for: values, and elements."""
    return set(re.findall(r"\{\w+\}|<\w+/>|<\w+>|</\w+>", text))


class Marked(HTMLParser):
    """Collects what a page's HTML says, by the keys that stand beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        self._open: list[tuple[str, str | None]] = []
        self._said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for mark, attribute in (("data-label", "aria-label"), ("data-title", "title")):
            if mark in values:
                self.texts.append((values[mark] or "", values.get(attribute) or ""))
        if "data-text" in values:
            self._open.append((tag, values["data-text"]))
            self._said = []

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            _, key = self._open.pop()
            self.texts.append((key or "", " ".join("".join(self._said).split())))

    def handle_data(self, data: str) -> None:
        self._said.append(data)


def marked(page: Path) -> list[tuple[str, str]]:
    parser = Marked()
    parser.feed(page.read_text("utf-8"))
    return parser.texts


def test_there_are_five_languages_and_the_page_knows_them() -> None:
    known = re.search(r"LANGUAGES = \{(.*?)\}", (SITE / "language.js").read_text("utf-8"))
    assert known is not None
    names = dict(re.findall(r"(\w+): '(\w+)'", known[1]))
    assert sorted(names) == LANGUAGES
    assert len(set(names.values())) == len(LANGUAGES)
    assert {"en", "de", "es", "fr", "pt"} <= set(LANGUAGES)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_language_has_the_same_texts_in_the_same_order(tag: str) -> None:
    assert list(read_words(tag)) == list(ENGLISH)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_translation_has_the_places_of_the_original(tag: str) -> None:
    for key, text in read_words(tag).items():
        english = ENGLISH[key]
        assert type(text) is type(english), key
        if isinstance(text, str):
            assert places(text) == places(str(english)), key
            assert text.strip(), key
        else:
            assert text.keys() == PLURALS[tag], key
            wanted = places(english["other"]) if isinstance(english, dict) else set()
            for form in text.values():
                assert places(form) | {"{count}"} == wanted | {"{count}"}, key


@pytest.mark.parametrize("tag", sorted(set(LANGUAGES) - {"en"}))
def test_a_translation_is_not_the_english_text(tag: str) -> None:
    words = read_words(tag)
    same = [
        key
        for key, text in words.items()
        if text == ENGLISH[key] and len(re.findall(r"\w+", str(text))) > 3
    ]
    assert same == []


def test_no_english_article_stands_before_a_digit_that_may_be_an_eight() -> None:
    assert [key for key, text in ENGLISH.items() if re.search(r"\ba \{digit\}", str(text))] == []


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_tab_or_a_bookmark_names_the_page_and_the_product(tag: str) -> None:
    words = read_words(tag)
    for page in ("how", "playground"):
        assert words[f"{page}.title"] == f"{words[f'{page}.name']} – Digits"
    for path in SITE.glob("*.html"):
        assert re.search(r"<title[^>]*>.*Digits.*</title>", path.read_text("utf-8")), path.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_html_says_what_the_english_file_says(page: Path) -> None:
    texts = marked(page)
    assert texts
    for key, text in texts:
        english = re.sub(r"<\w+>|</\w+>", "", str(ENGLISH[key]))
        if not text and re.search(r"\{\w+\}", english):
            continue  # a script fills it in
        pattern = re.sub(r"<\w+/>|\\\{\w+\\\}", r"\\S+", re.escape(english))
        assert re.fullmatch(pattern, text), (key, text, english)


def test_every_text_is_used_and_every_key_that_is_used_is_there() -> None:
    used = {key for page in PAGES for key, _ in marked(page)}
    for script in sorted(SITE.glob("*.js")):
        used |= set(re.findall(r"'([a-z]+(?:\.[a-z]+)*)'", script.read_text("utf-8")))
    assert set(ENGLISH) - used == set()
    for script in sorted(SITE.glob("*.js")):
        text = script.read_text("utf-8")
        for key in re.findall(r"\b(?:say|words|tell|notify)\('([^']+)'", text):
            assert key in ENGLISH, (script.name, key)
        for key in re.findall(r"\bput\([^,]+(?:\([^)]*\))?, '([^']+)'", text):
            assert key in ENGLISH, (script.name, key)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_words_stand_only_where_they_can_be_translated(page: Path) -> None:
    body = page.read_text("utf-8").partition("<body>")[2]
    body = re.sub(
        r"<(noscript|py-config|mpy-config|script|svg)\b.*?</\1>|<!--.*?-->", "", body, flags=re.S
    )
    for tag in re.findall(r"<[a-z][^>]*>", body, re.S):
        for attribute, mark in (("aria-label", "data-label"), ("title", "data-title")):
            if re.search(rf'[\s]{attribute}="', tag):
                assert f'{mark}="' in tag, tag
        assert "placeholder=" not in tag
