"""The page starts from a stored memory, else on a cut Python, else on the stock one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import build
from tests.bench.line import Host, Line
from tests.browser import functions_used, modules_used
from tests.browser.conftest import NewContext
from tests.browser.drawing import (
    ask_python,
    draw,
    expect_answer,
    read_all,
    sample,
    wait_for_engine,
)
from tests.browser.hosting import StaticHost, static_host
from tests.browser.test_failures import expect_message
from tests.browser.test_offline import wait_until_fallback_stored
from tests.browser.unread import changing, unread

SNAPSHOT = "generated/snapshot.wasm"
CUT = "generated/python.wasm"
CORE = "generated/pyodide/core.wasm"
LIBRARIES = "generated/libraries.wasm"
REST = "generated/rest/"
STOCK = {
    "generated/nn.zip",
    "generated/pyodide/pyodide.asm.js",
    "generated/pyodide/pyodide.asm.wasm",
    "generated/pyodide/pyodide.js",
    "generated/pyodide/python_stdlib.zip",
    "generated/pyodide/pyodide-lock.json",
}
ON_SNAPSHOT, ON_CUT = "?runtime=snapshot", "?runtime=cut"
NO_STORING = "delete Navigator.prototype.serviceWorker"  # it stores the stock files as well
RUNTIME = """async () => {
    const { engine } = await import(new URL('app.js', document.baseURI));
    return engine.about.runtime;
}"""
FETCHED = """(paths) => paths.map((path) => {
    const [entry] = performance.getEntriesByName(new URL(path, document.baseURI));
    return entry.toJSON();
})"""
IS_WORTH_SENDING = """async ([path, seconds]) => {
    const { isWorthSending } = await import(new URL('choice.js', document.baseURI));
    const [entry] = performance.getEntriesByName(new URL(path, document.baseURI));
    const size = 1e6;
    const extra = seconds * 1000 / (entry.responseEnd - entry.responseStart) * size;
    return isWorthSending(extra, { path, size }, () => size);
}"""


def warnings(page: Page) -> list[str]:
    """Return a list that fills with what the page warns of on the console."""
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    return seen


def read_a_5(new_context: NewContext, url: str, script: str = "") -> tuple[Page, list[str]]:
    """Have a page read a 5, in which `script` runs first; return it, and what it has warned of."""
    context = new_context()
    context.add_init_script(script)
    page = context.new_page()
    seen = warnings(page)
    page.goto(url)
    wait_for_engine(page)
    draw(page, sample("5"))
    expect_answer(page, "5")
    return page, seen


@pytest.fixture
def own_site(built_site: Path, tmp_path: Path) -> Iterator[StaticHost]:
    """Return a host of a copy of the site, which the test may change."""
    copy = tmp_path / "site"
    shutil.copytree(built_site, copy)
    with static_host(copy) as host:
        yield host


@pytest.mark.parametrize(
    ("runtime", "others"), [("snapshot", {CUT, *STOCK}), ("cut", {SNAPSHOT, *STOCK})]
)
def test_a_runtime_reads_without_a_file_of_the_others(
    new_context: NewContext, own_host: StaticHost, runtime: str, others: set[str]
) -> None:
    context = new_context()
    context.add_init_script(NO_STORING)
    page = context.new_page()
    page.goto(f"{own_host.url}?runtime={runtime}")
    wait_for_engine(page)
    draw(page, sample("2"))
    expect_answer(page, "2")
    assert page.evaluate(RUNTIME) == runtime
    assert not others & own_host.requests.keys()
    assert not any(path.endswith(".whl") for path in own_host.requests)
    assert not any(path.startswith(REST) for path in own_host.requests)


@pytest.mark.parametrize("fault", ["missing", "cut", "altered"])
@pytest.mark.parametrize(
    ("file", "address", "following"),
    [
        (SNAPSHOT, ON_SNAPSHOT, "cut"),
        (CUT, ON_CUT, "stock"),
        (CORE, ON_SNAPSHOT, "stock"),
    ],
)
def test_the_next_runtime_takes_over_when_a_file_is_not_whole(
    new_context: NewContext,
    own_host: StaticHost,
    file: str,
    address: str,
    following: str,
    fault: str,
) -> None:
    getattr(own_host, fault).add(file)
    page, seen = read_a_5(new_context, own_host.url + address)
    assert page.evaluate(RUNTIME) == following
    assert any(f"taking the {following} one" in text and file in text for text in seen)


@pytest.mark.parametrize("fault", ["missing", "cut"])
def test_stock_pyodide_takes_over_when_the_trimmed_script_is_not_whole(
    new_context: NewContext, own_host: StaticHost, fault: str
) -> None:
    getattr(own_host, fault).add("generated/pyodide/core.js")
    page, seen = read_a_5(new_context, own_host.url)
    assert page.evaluate(RUNTIME) == "stock"
    assert any("taking the stock one" in text for text in seen)


def test_pyscripts_python_is_not_compiled_where_the_memory_holds_it_compiled(
    new_context: NewContext, own_site: StaticHost
) -> None:
    """A program that is another one than the build knew runs as well, with PyScript's modules."""
    program = "import pyscript\nsync.loader = lambda: type(pyscript.__spec__.loader).__name__"
    modules_used.add_program(own_site.directory, program)
    loaders = {}
    for address in (ON_SNAPSHOT, ON_CUT):
        page = new_context().new_page()
        page.goto(own_site.url + address)
        wait_for_engine(page)
        draw(page, sample("5"))
        expect_answer(page, "5")
        loaders[address] = ask_python(page, "loader")
    assert loaders == {ON_SNAPSHOT: "CompiledFinder", ON_CUT: "SourceFileLoader"}


Facts = dict[str, Any]


def other_places(facts: Facts) -> None:
    """Make it a snapshot of a build whose libraries lay elsewhere."""
    facts["tables"][-1] += 1


def other_answer(facts: Facts) -> None:
    """Make it a snapshot of a build whose network was another."""
    facts["answer"] = facts["answer"].replace("7", "1", 1)


def other_memory(facts: Facts) -> None:
    """Put what is in the memory to wrong places."""
    facts["runs"] = [[start + 4096, size] for start, size in facts["runs"]]


def nothing(facts: Facts) -> None:
    """Leave the snapshot empty."""
    facts.clear()


@pytest.mark.parametrize("change", [other_places, other_answer, other_memory, nothing])
def test_a_snapshot_of_another_build_is_not_trusted_and_tried_only_once(
    new_context: NewContext, own_site: StaticHost, change: Callable[[Facts], None]
) -> None:
    files = modules_used.files_in(own_site.directory / SNAPSHOT)
    facts = json.loads(files["facts.json"])
    change(facts)
    files["facts.json"] = json.dumps(facts).encode()
    modules_used.replace_file(
        own_site.directory, SNAPSHOT, build.as_module(build.pack_tar(files)), group="fallback"
    )
    page, seen = read_a_5(new_context, own_site.url + ON_SNAPSHOT, NO_STORING)
    assert page.evaluate(RUNTIME) == "cut"
    assert any("taking the cut one" in text for text in seen)
    page.goto(own_site.url)
    wait_for_engine(page)
    assert page.evaluate(RUNTIME) == "cut"
    assert own_site.requests[SNAPSHOT] == 1


def test_a_snapshot_that_hangs_is_given_up(new_context: NewContext, own_site: StaticHost) -> None:
    path = own_site.directory / "runtime.js"
    awake = "pyodide.pyimport('prepared').wake()"
    program = path.read_text("utf-8")
    assert awake in program
    path.write_text(program.replace(awake, "pyodide.runPython('while True: pass')"), "utf-8")
    page, seen = read_a_5(new_context, own_site.url + ON_SNAPSHOT)
    assert page.evaluate(RUNTIME) == "cut"
    assert any("no progress for" in text and "taking the cut one" in text for text in seen)


def test_chance_differs_between_two_visits_that_restore_one_memory(
    new_context: NewContext, own_site: StaticHost
) -> None:
    program = "import random\nsync.throw = lambda: random.random()"
    modules_used.add_program(own_site.directory, program)
    thrown = []
    for _ in range(2):
        page = new_context().new_page()
        page.goto(own_site.url + ON_SNAPSHOT)
        wait_for_engine(page)
        assert page.evaluate(RUNTIME) == "snapshot"
        thrown.append(ask_python(page, "throw"))
    assert thrown[0] != thrown[1]


@pytest.fixture(scope="module")
def on_slow_line(module_context: NewContext, built_site: Path) -> Iterator[tuple[Page, Host]]:
    """Return a page that has started on a slow line, and its host."""
    host = Host(built_site, Line(bytes_per_second=2e6, delay=0.02))
    context = module_context()
    context.add_init_script(NO_STORING)
    page = context.new_page()
    page.goto(host.url)
    wait_for_engine(page)
    yield page, host
    host.stop()


def test_on_a_slow_line_the_snapshot_is_not_sent(on_slow_line: tuple[Page, Host]) -> None:
    page, host = on_slow_line
    assert page.evaluate(RUNTIME) == "cut"
    assert SNAPSHOT not in host.asked


def test_the_line_is_as_fast_as_the_browser_saw_it_not_as_late_as_the_script_did(
    page: Page,
) -> None:
    """A slow processor has the script look long after the file has come, as here."""
    spared = 0.9  # choice.js
    assert page.evaluate(IS_WORTH_SENDING, [CORE, 0.5 * spared])
    assert not page.evaluate(IS_WORTH_SENDING, [CORE, 2 * spared])


def test_on_a_slow_line_the_libraries_come_after_what_python_starts_with(
    on_slow_line: tuple[Page, Host],
) -> None:
    page, host = on_slow_line
    core, libraries = page.evaluate(FETCHED, [CORE, LIBRARIES])
    assert core["responseEnd"] <= libraries["startTime"]
    asked = [name for name in host.asked if name in {CORE, CUT, LIBRARIES}]
    assert asked == [CORE, CUT, LIBRARIES]
    draw(page, sample("5"))
    expect_answer(page, "5")


def test_the_stored_memory_holds_no_copy_of_a_library(built_site: Path) -> None:
    """Python copies the file of a library that it loads, if there is anything in it."""
    memory = (built_site / SNAPSHOT).read_bytes()
    libraries = modules_used.files_in(built_site / LIBRARIES)
    assert libraries
    assert not any(library[1000:1100] in memory for library in libraries.values())


@pytest.mark.parametrize("runtime", [ON_SNAPSHOT, ON_CUT])
def test_an_error_in_a_module_without_lines_is_told_with_its_functions(
    new_context: NewContext, own_site: StaticHost, runtime: str
) -> None:
    program = """
def wrong():
    import traceback
    try:
        json.loads("{")
    except ValueError:
        return traceback.format_exc()
sync.wrong = wrong
"""
    modules_used.add_program(own_site.directory, program)
    page = new_context().new_page()
    page.goto(own_site.url + runtime)
    wait_for_engine(page)
    told = ask_python(page, "wrong")
    assert "in raw_decode" in told
    assert "JSONDecodeError" in told


def test_where_tables_hold_copies_of_functions_the_snapshot_is_not_sent(
    new_context: NewContext, own_host: StaticHost
) -> None:
    """It is so in WebKit; the addresses in a snapshot are others there."""
    context = new_context()
    context.add_init_script(
        "WebAssembly.Table.prototype.get = () => () => {};delete Navigator.prototype.serviceWorker;"
    )
    page = context.new_page()
    page.goto(own_host.url + ON_SNAPSHOT)
    wait_for_engine(page)
    assert page.evaluate(RUNTIME) == "cut"
    assert not own_host.requests[SNAPSHOT]


def test_who_asks_for_little_traffic_gets_no_snapshot(
    new_context: NewContext, own_host: StaticHost
) -> None:
    context = new_context()
    context.add_init_script(
        "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
    )
    page = context.new_page()
    page.goto(own_host.url)
    wait_for_engine(page)
    assert page.evaluate(RUNTIME) == "cut"
    assert not own_host.requests[SNAPSHOT]


def test_the_stock_runtime_takes_over_when_the_cut_one_cannot_start(
    new_context: NewContext, own_site: StaticHost
) -> None:
    """The archive is whole, but no Python can start from it."""
    modules_used.replace_file(
        own_site.directory, CUT, build.as_module(build.pack_tar({"lib/nothing.txt": b""}))
    )
    page, seen = read_a_5(new_context, own_site.url + ON_CUT)
    assert page.evaluate(RUNTIME) == "stock"
    assert any("taking the stock one" in text for text in seen)


@pytest.mark.parametrize("name", sorted(STOCK))
def test_what_all_runtimes_lack_is_named_in_words(
    new_context: NewContext, own_host: StaticHost, name: str
) -> None:
    own_host.missing |= {SNAPSHOT, CUT, name}
    page = new_context().new_page()
    page.goto(own_host.url)
    wait_for_engine(page, "none")
    expect_message(page, "Your drawings cannot be read", name)


@pytest.mark.parametrize("runtime", [ON_SNAPSHOT, ON_CUT])
def test_a_module_that_was_left_out_is_fetched_when_it_is_needed_after_all(
    new_context: NewContext, own_site: StaticHost, runtime: str
) -> None:
    assert "numpy.random" not in build.read_modules(modules_used.LIST)
    modules_used.add_work(own_site.directory)
    page = new_context().new_page()
    seen = warnings(page)
    page.goto(own_site.url + runtime)
    wait_for_engine(page)
    ask_python(page, "chance")
    assert any("Python needs numpy.random, which this page left out" in text for text in seen)
    assert sum(path.endswith(".whl") for path in own_site.requests) == 1


# Work for functions that are not sent first, and for constants that lie with them.
RARE = """
import numpy as np
def rare():
    import unicodedata
    singular = np.linalg.svd(np.arange(6.0).reshape(2, 3))[1]
    names = [unicodedata.name(each) for each in "7\\u00e9\\u6f22"]
    return json.dumps([names, singular.tolist(), str(np.datetime64("2020-02-28") + 2)])
sync.rare = rare
"""
RARE_ANSWER = [
    ["DIGIT SEVEN", "LATIN SMALL LETTER E WITH ACUTE", "CJK UNIFIED IDEOGRAPH-6F22"],
    pytest.approx([7.348469, 1.0]),
    "2020-03-01",
]


def rare(page: Page) -> Any:
    """Have the page's Python do that work; return what came of it."""
    return json.loads(ask_python(page, "rare"))


@pytest.mark.parametrize("runtime", [ON_SNAPSHOT, ON_CUT])
def test_functions_that_were_left_out_are_fetched_when_they_are_called_after_all(
    new_context: NewContext, own_site: StaticHost, runtime: str
) -> None:
    modules_used.add_program(own_site.directory, RARE)
    context = new_context()
    context.add_init_script(NO_STORING)
    page = context.new_page()
    page.goto(own_site.url + runtime)
    wait_for_engine(page)
    assert not any(path.startswith(REST) for path in own_site.requests)
    assert [rare(page), rare(page)] == [RARE_ANSWER, RARE_ANSWER]
    fetched = {path: n for path, n in own_site.requests.items() if path.startswith(REST)}
    assert len(fetched) == 3  # the core and both libraries
    assert set(fetched.values()) == {1}
    draw(page, sample("5"))
    expect_answer(page, "5")


@pytest.mark.parametrize("runtime", [ON_SNAPSHOT, ON_CUT])
def test_what_was_left_out_is_there_offline_too(
    new_context: NewContext, own_site: StaticHost, runtime: str
) -> None:
    """Modules as well as functions."""
    assert "numpy.random" not in build.read_modules(modules_used.LIST)
    modules_used.add_work(own_site.directory)
    modules_used.add_program(own_site.directory, RARE)
    page = new_context().new_page()
    page.goto(own_site.url + runtime)
    wait_until_fallback_stored(page)
    own_site.stop()
    page.context.set_offline(True)
    page.reload()
    wait_for_engine(page)
    assert page.evaluate(RUNTIME) == runtime.removeprefix("?runtime=")
    assert rare(page) == RARE_ANSWER
    chance = ask_python(page, "chance")
    assert chance == np.random.default_rng(0).integers(10)


@pytest.mark.parametrize("fault", ["missing", "cut", "aliases"])
def test_stock_pyodide_takes_over_when_functions_that_it_starts_with_cannot_be_fetched(
    new_context: NewContext, own_site: StaticHost, fault: str
) -> None:
    """Some hosts answer with a page where there is no such file."""
    modules_used.add_program(own_site.directory, RARE + "rare()")
    names = {REST + path.name for path in (own_site.directory / REST).iterdir()}
    getattr(own_site, fault).update(dict.fromkeys(names, "index.html"))
    page, seen = read_a_5(new_context, own_site.url + ON_SNAPSHOT, NO_STORING)
    assert page.evaluate(RUNTIME) == "stock"
    assert any("taking the stock one" in text and REST in text for text in seen)


def test_stock_pyodide_reads_on_when_functions_cannot_be_fetched_in_the_middle_of_it(
    new_context: NewContext, own_site: StaticHost
) -> None:
    program = """
def read_with_more(packed):
    answer = read(packed)
    if "7" in answer:
        rare()
    return answer
sync.read = read_with_more
"""
    modules_used.add_program(own_site.directory, RARE + program)
    own_site.missing = {REST + path.name for path in (own_site.directory / REST).iterdir()}
    context = new_context()
    context.add_init_script(NO_STORING)
    page = context.new_page()
    page.goto(own_site.url + ON_SNAPSHOT)
    wait_for_engine(page)
    assert page.evaluate(RUNTIME) == "snapshot"
    (settled,) = read_all(page, [sample("7")])
    assert settled["result"]["text"] == "7"
    assert page.evaluate(RUNTIME) == "stock"


def test_the_list_of_functions_has_all_that_the_page_was_seen_to_run(browser: Browser) -> None:
    """`python -m tests.browser.functions_used --write` adds what is missing."""
    for name, (module, runs) in functions_used.find(browser).items():
        known = functions_used.listed(name)
        assert runs
        assert runs | changing(module) <= known, name
        if name == functions_used.CORE:
            assert unread(module, known) == functions_used.spans(name, "unread")


def test_the_list_of_modules_is_what_the_page_was_seen_to_import(browser: Browser) -> None:
    """`python -m tests.browser.modules_used --write` writes it anew."""
    assert modules_used.find(browser) == set(build.read_modules(modules_used.LIST))
