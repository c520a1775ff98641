"""The running server: it starts or says why not, stops softly, and bears clients of every kind."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import files
from nn import Recognizer, weights
from nn.layers import Conv2D, Dense, GlobalAvgPool2D
from nn.model import Sequential
from nn.recognizer import DEFAULT_PATH
from tests.sample import drawings
from tests.server.conftest import ROOT, SECONDS, Running, Start
from tests.server.siege import besiege
from tests.server.test_pictures import encoded, seven

MOST_MEMORY = 300 * 10**6
GOOD = b'{"strokes": [[[20, 30], [80, 28], [45, 110]]]}'


def request(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /predict HTTP/1.1", b"Host: x", b"Content-Type: application/json", *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


def received(connection: socket.socket) -> bytes:
    """All that the server sends until it closes the connection."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:  # it had more to read than it wanted
        pass
    return b"".join(parts)


def until(condition: object, what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


# Start and stop


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "server.py", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
        env=os.environ | environment,
    )


def test_without_a_built_site_it_says_what_to_do(tmp_path: Path) -> None:
    done = run("--site", str(tmp_path))
    assert done.returncode == 1
    message = f"server: error: {tmp_path / 'generated'} is missing: run `python build.py`\n"
    assert done.stderr == message


def test_a_port_in_use_is_an_error_in_words(running: Running, built_site: Path) -> None:
    done = run("--site", str(built_site), DIGITS_PORT=str(running.port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{running.port}" in done.stderr
    assert "--port chooses another" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "65536"], "argument --port: expected 0 to 65535, got '65536'"),
        (["--threads", "0"], "argument --threads: expected 1 to 256, got '0'"),
        (["--timeout", "soon"], "argument --timeout: expected 1 to 3600, got 'soon'"),
        (["--readers", "65"], "argument --readers: expected 0 to 64, got '65'"),
        (["--trusted-proxy", "localhost"], "--trusted-proxy: expected an IP address, got 'localho"),
        (["--rate-limit", "many"], "--rate-limit: expected 0, or 0.000001 to 1000000, got 'many'"),
        (["--rate-limit", "-1"], "--rate-limit: expected 0, or 0.000001 to 1000000, got '-1'"),
        (["--rate-limit", "nan"], "--rate-limit: expected 0, or 0.000001 to 1000000, got 'nan'"),
    ],
)
def test_a_wrong_option_is_an_error_in_words(options: list[str], message: str) -> None:
    done = run(*options)
    assert done.returncode == 2
    assert message in done.stderr


class Touch:
    """Unpickled, it makes a file: what a hostile weights file would do."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return open, (self.path, "w")


def test_hostile_weights_are_refused_and_not_run(tmp_path: Path, built_site: Path) -> None:
    evil = np.empty(1, object)
    evil[0] = Touch(str(tmp_path / "touched"))
    content = io.BytesIO()
    np.save(content, evil, allow_pickle=True)
    arrays = tmp_path / "arrays.npz"
    with zipfile.ZipFile(arrays, "w") as archive:
        archive.writestr("metadata.npy", content.getvalue())
        archive.writestr("format.npy", content.getvalue())
    pickled = tmp_path / "pickled.npz"
    pickled.write_bytes(pickle.dumps(Touch(str(tmp_path / "touched"))))
    for path in (arrays, pickled):
        done = run("--site", str(built_site), "--port", "0", DIGITS_WEIGHTS=str(path))
        assert done.returncode == 1
        assert done.stderr.startswith(f"server: error: {path}: ")
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_exit_code_0(start: Start, number: int) -> None:
    assert start().stop(number) == 0


def test_a_request_under_way_is_answered_before_it_stops(start: Start) -> None:
    server = start()
    with server.connect() as under_way:
        whole = request(GOOD, b"Connection: close")
        under_way.sendall(whole[:-5])
        with server.ask("GET", "/healthz") as response:  # the bytes before have been read by now
            response.read()
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not _accepts(server), "it goes on accepting connections")
        under_way.sendall(whole[-5:])
        assert received(under_way).startswith(b"HTTP/1.1 200 OK")
    assert server.process.wait(SECONDS) == 0


def _accepts(server: Running) -> bool:
    try:
        server.connect().close()
    except OSError:
        return False
    return True


def test_a_client_that_goes_on_asking_is_told_to_go_once_it_stops(start: Start) -> None:
    server = start()
    asking = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)

    def told() -> str | None:
        asking.request("GET", "/index.html")
        with asking.getresponse() as response:
            response.read()
            return response.headers["Connection"]

    with server.connect() as under_way:
        whole = request(GOOD, b"Connection: close")
        under_way.sendall(whole[:-5])  # it waits for the rest, and so it does not end
        assert told() is None
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not _accepts(server), "it goes on accepting connections")
        assert told() == "close"
        under_way.sendall(whole[-5:])
        assert received(under_way).startswith(b"HTTP/1.1 200 OK")
    assert server.process.wait(SECONDS) == 0


def test_the_largest_files_are_compressed_before_anyone_asks(built_site: Path) -> None:
    program = """
import server, files
files.ENCODINGS["br"] = lambda data: print("compressed", len(data), flush=True) or b"made before"
raise SystemExit(server.main())
"""
    sizes = [(built_site / name).stat().st_size for name in files.LARGEST]
    server = Running(built_site, program=program)
    try:
        until(lambda: f"compressed {sizes[-1]}\n" in server.lines, "it waits for a visitor")
        with server.ask("GET", f"/{files.LARGEST[0]}", accept_encoding="br") as response:
            assert response.read() == b"made before"
        assert server.lines.count(f"compressed {sizes[0]}\n") == 1
    finally:
        server.close()


# What it tells


def test_the_access_log_has_a_line_for_each_request(start: Start) -> None:
    server = start()
    assert server.post(GOOD)[0] == 200
    with server.ask("GET", "/nothing", user_agent="test") as response:
        response.read()
    server.stop()
    entries = [json.loads(line) for line in server.lines if line.startswith("{")]
    assert [(entry["path"], entry["status"]) for entry in entries] == [
        ("/predict", 200),
        ("/nothing", 404),
    ]
    assert entries[1]["agent"] == "test"
    assert entries[0]["client"] == "127.0.0.1"


def test_quiet_writes_no_log(start: Start) -> None:
    server = start("--quiet")
    assert server.post(GOOD)[0] == 200
    server.stop()
    assert len(server.lines) == 1


@pytest.mark.parametrize(("trusted", "client"), [(True, "192.0.2.7"), (False, "127.0.0.1")])
def test_only_a_trusted_proxy_is_believed(start: Start, trusted: bool, client: str) -> None:
    server = start(*(["--trusted-proxy", "127.0.0.1"] if trusted else []))
    with server.ask("GET", "/healthz", x_forwarded_for="192.0.2.7") as response:
        response.read()
    server.stop()
    assert json.loads(server.lines[-1])["client"] == client


def test_the_rate_limit_can_come_from_the_environment(start: Start) -> None:
    server = start(DIGITS_RATE_LIMIT="0.001")
    assert [server.post(GOOD)[0] for _ in range(3)] == [200, 429, 429]


@pytest.mark.parametrize("proxy", ["127.0.0.1", "*"])
@pytest.mark.parametrize("kind", ["drawing", "picture"])
def test_the_rate_is_counted_once_for_each_client_behind_a_proxy(
    start: Start, kind: str, proxy: str
) -> None:
    server = start("--trusted-proxy", proxy, "--rate-limit", "0.001")
    picture = json.dumps({"image": base64.b64encode(encoded(seven())).decode()}).encode()
    statuses = []
    alike = ("192.0.2.1", "[2001:db8::1]:9", "192.0.2.1:4711", "[2001:db8::1]:10", "2001:db8::1")
    for client in alike:
        with server.ask(
            *("POST", "/predict", GOOD if kind == "drawing" else picture),
            content_type="application/json",
            x_forwarded_for=f"192.0.2.9, {client}",
        ) as response:
            response.read()
            statuses.append(response.status)
    assert statuses == [200, 200, 429, 429, 429]


# The processes that read


def _is_gone(number: int) -> bool:
    status = Path(f"/proc/{number}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


def _all_gone(numbers: list[int]) -> bool:
    return all(_is_gone(number) for number in numbers)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_as_many_processes_read_as_asked_for(start: Start, count: int) -> None:
    server = start("--readers", str(count))
    assert server.post(GOOD)[0] == 200
    assert len(server.readers()) == (count + 1 if count else 0)


def test_no_more_threads_run_than_asked_for(start: Start) -> None:
    server = start("--threads", "3", OMP_NUM_THREADS="1")
    assert server.post(GOOD)[0] == 200

    def counts() -> list[int]:
        processes = server.process.pid, *server.readers()
        return [len(list(Path(f"/proc/{number}/task").iterdir())) for number in processes]

    # One more compresses files when the server starts, and ends.
    until(lambda: counts() == [1 + 3, 1, 1], "there are other numbers of threads")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_that_read_end_with_the_server(start: Start, number: int) -> None:
    server = start()
    readers = server.readers()
    assert server.post(GOOD)[0] == 200
    server.stop(number)
    until(lambda: _all_gone(readers), "a process is left over")


def test_processes_that_still_load_end_without_a_word_when_the_server_does(
    built_site: Path,
) -> None:
    command = [sys.executable, "server.py", "--site", str(built_site), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: len(children.read_text().split()) == 2, "it starts no processes")
        process.terminate()
        _, said = process.communicate(timeout=SECONDS)  # when those that read have ended, too
    assert "Traceback" not in said


def test_a_signal_to_the_whole_group_lets_requests_under_way_end(start: Start) -> None:
    server = start()
    for number in server.readers():
        os.kill(number, signal.SIGINT)  # what Ctrl-C does
        os.kill(number, signal.SIGTERM)  # what systemd does
    assert server.post(GOOD)[0] == 200
    assert server.stop() == 0


@pytest.mark.parametrize("media_type", ["application/json", "image/png"])
def test_a_process_that_ended_is_replaced(start: Start, media_type: str) -> None:
    server = start()
    body = GOOD if media_type == "application/json" else encoded(seven())
    before = server.readers()
    for number in before:
        os.kill(number, signal.SIGKILL)
    until(lambda: _all_gone(before), "it lives on")
    answers = [server.post(body, media_type) for _ in range(20)]
    assert answers[-1][0] == 200
    for status, answer in answers:
        assert status in (200, 503)
        if status == 503:
            assert "try again" in json.loads(answer)["detail"]


def test_requests_that_a_process_takes_with_it_are_refused_in_words(start: Start) -> None:
    server = start("--quiet")
    over = threading.Event()
    kinds = [(GOOD, "application/json"), (encoded(seven()), "image/png")]
    seen: list[tuple[int, bytes]] = []

    def ask(number: int) -> None:
        while not over.is_set():
            seen.append(server.post(*kinds[number % 2]))

    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(ask, number) for number in range(12)]
        try:
            for _ in range(3):
                count = len(seen)
                until(lambda count=count: len(seen) > count + 40, "no answers")
                before = server.readers()
                for number in before:
                    os.kill(number, signal.SIGKILL)
                until(lambda before=before: not set(before) & set(server.readers()), "not replaced")
        finally:
            over.set()
        for each in asked:
            each.result(SECONDS)
    for status, answer in seen:
        assert status in (200, 503)
        assert status == 200 or "try again" in json.loads(answer)["detail"]
    assert [status for status, _ in seen].count(503) <= 3 * (12 + 1)
    assert server.post(GOOD)[0] == 200


def test_what_takes_too_long_to_read_is_given_up(start: Start, tmp_path: Path) -> None:
    width = 128  # large layers: a digit takes a good part of a second, ninety take many
    layers = [Conv2D(1, width, 5, padding=2), *(Conv2D(width, width, 5, padding=2),) * 4]
    weights.save(
        tmp_path / "slow.npz",
        Sequential([*layers, GlobalAvgPool2D(), Dense(width, 11)]),
        {},
    )
    server = start("--timeout", "1", "--weights", str(tmp_path / "slow.npz"))
    row = {"strokes": [[[100 * x, 0], [100 * x, 90]] for x in range(90)]}
    for padding in (0, 70_000):  # for either process
        status, answer = server.post(json.dumps(row).encode() + b" " * padding)
        assert status == 503
        assert "took too long" in json.loads(answer)["detail"]
        assert server.post(b'{"strokes": []}' + b" " * padding)[0] == 200


def test_other_weights_than_before_are_not_taken_up(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(DEFAULT_PATH.read_bytes())
    server = start("--weights", str(path))
    path.write_bytes(b"something else")
    for number in server.readers():
        os.kill(number, signal.SIGKILL)
    until(lambda: server.post(GOOD)[0] == 503, "it reads on with what it does not have")
    path.write_bytes(DEFAULT_PATH.read_bytes())
    until(lambda: server.post(GOOD)[0] == 200, "it reads no more")


def test_a_picture_within_json_waits_for_the_other_process(start: Start) -> None:
    server = start()
    picture = {"image": base64.b64encode(encoded(seven())).decode()}
    for body in (picture, {"batch": [{"strokes": json.loads(GOOD)["strokes"]}, picture]}):
        status, answer = server.post(json.dumps(body).encode())
        assert status == 200
        readings = json.loads(answer).get("readings", [json.loads(answer)])
        assert [reading["text"] for reading in readings] == ["7"] * len(readings)


# Clients that misbehave


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00" * 9 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n bad\r\nx\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 5, 6\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nCookie: " + b"x" * 40_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_not_http_is_a_problem_too(running: Running, sent: bytes, status: int) -> None:
    with running.connect() as connection:
        connection.sendall(sent)
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.0 %d " % status) or answer.startswith(
        b"HTTP/1.1 %d " % status
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status


def test_a_body_that_is_a_little_too_large_gets_its_answer(running: Running) -> None:
    status, body = running.post(b" " * (11 * 2**20), "image/png")
    assert status == 413
    assert json.loads(body)["status"] == 413


def test_a_chunked_body_is_read(running: Running) -> None:
    with running.ask(
        "POST", "/predict", iter([GOOD[:9], GOOD[9:]]), content_type="application/json"
    ) as r:
        assert r.status == 200
        assert json.load(r)["text"] == "7"


def test_requests_in_a_row_on_one_connection_are_answered_in_order(running: Running) -> None:
    sent = [request(GOOD), request(b"{}"), request(b'{"strokes": []}')]
    with running.connect() as connection:
        connection.sendall(b"".join([*sent, request(GOOD, b"Connection: close")]))
        answer = received(connection)
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 400, 200, 200]


def test_a_client_that_never_finishes_is_cut_off(start: Start) -> None:
    server = start("--timeout", "1")
    slow = server.connect()
    slow.settimeout(0.05)
    sent = 0
    deadline = time.monotonic() + SECONDS
    with slow:
        while True:  # a byte now and then, for ever
            assert time.monotonic() < deadline, "it waits for ever"
            try:
                slow.send(request(GOOD)[sent % 20 : sent % 20 + 1])
                sent += 1
                if slow.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert server.post(GOOD)[0] == 200


def test_slow_and_silent_clients_do_not_keep_others_waiting(start: Start) -> None:
    server = start("--threads", "2", "--timeout", "3600")  # they are not cut off meanwhile
    slow = [server.connect() for _ in range(150)]
    for index, connection in enumerate(slow):
        connection.sendall(request(GOOD)[: index % 100])
    assert all(server.post(GOOD)[0] == 200 for _ in range(20))
    for connection in slow:
        connection.close()


def test_a_client_that_closes_its_side_still_gets_its_answer(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(request(GOOD))
        connection.shutdown(socket.SHUT_WR)
        assert received(connection).startswith(b"HTTP/1.1 200 OK")


def test_half_closed_and_broken_off_connections_do_no_harm(running: Running) -> None:
    for how in range(40):
        with running.connect() as connection:
            connection.sendall(request(GOOD)[: 40 * (how % 5) or None])
            if how % 2:
                connection.shutdown(socket.SHUT_WR)
    assert running.post(GOOD)[0] == 200


def test_a_client_that_takes_no_answer_does_not_keep_others_waiting(start: Start) -> None:
    server = start("--threads", "2", "--timeout", "3600")
    path = b"GET /generated/pyodide/pyodide.asm.wasm HTTP/1.1\r\nHost: x\r\n\r\n"
    deaf = [server.connect() for _ in range(10)]
    for connection in deaf:
        connection.sendall(path * 3)
    assert all(server.post(GOOD)[0] == 200 for _ in range(10))
    with server.ask("GET", "/generated/manifest.json") as response:
        assert response.status == 200
    for connection in deaf:
        connection.close()
    assert server.memory() < MOST_MEMORY


def test_a_connection_full_of_requests_gets_them_answered_one_after_the_other(
    running: Running,
) -> None:
    large = b"GET /generated/pyodide/core.wasm HTTP/1.1\r\nHost: x\r\n\r\n"
    health = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    drawing = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    drawing += b"Content-Length: %d\r\n\r\n%b" % (len(GOOD), GOOD)
    with running.connect() as connection, connection.makefile("rb") as answers:
        connection.sendall((large + health + drawing) * 3)
        with running.ask("GET", "/healthz") as response:  # nothing was taken yet
            assert response.status == 200
        for _ in range(9):
            assert answers.readline().startswith(b"HTTP/1.1 200 ")
            headers = dict(
                iter(lambda: answers.readline().rstrip().split(b": ", 1) or [b""], [b""])
            )
            length = int(headers[b"Content-Length"])
            assert len(answers.read(length)) == length


def test_a_part_of_a_file_comes_from_the_file(running: Running, built_site: Path) -> None:
    path = "generated/pyodide/core.wasm"
    content = (built_site / path).read_bytes()
    for asked, part in (("5000-7999", content[5000:8000]), ("-100", content[-100:])):
        with running.ask("GET", f"/{path}", range=f"bytes={asked}") as response:
            assert response.status == 206
            assert response.read() == part


def test_an_error_that_nobody_foresaw_ends_no_server(built_site: Path) -> None:
    program = """
import server
from waitress.channel import HTTPChannel
answer, HTTPChannel.service = HTTPChannel.service, None
def service(channel):
    if channel.requests[0].path == "/broken":
        raise RuntimeError("nobody foresaw this")
    answer(channel)
HTTPChannel.service = service
raise SystemExit(server.main())
"""
    server = Running(built_site, program=program)
    try:
        for _ in range(2):
            with server.connect() as broken:
                broken.sendall(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
                assert broken.recv(1) == b""
            assert server.post(GOOD)[0] == 200
    finally:
        server.close()
    assert any("nobody foresaw this" in line for line in server.lines)


# Many at once


def _same(answer: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Tell whether two readings are one: the last bits depend on what else was read with it."""
    if [answer["text"], len(answer["digits"])] != [expected["text"], len(expected["digits"])]:
        return False
    for found, right in zip(answer["digits"], expected["digits"], strict=True):
        for name, value in right.items():
            near = name in ("confidence", "probabilities") and np.allclose(
                found[name], value, rtol=0, atol=1e-5
            )
            if not near and found[name] != value:
                return False
    return True


def test_200_clients_at_once_get_the_right_answers(
    running: Running, recognizer: Recognizer
) -> None:
    samples = drawings()
    bodies = [json.dumps({"strokes": sample.strokes}).encode() for sample in samples]
    expected = [recognizer.read(sample.strokes).to_dict() for sample in samples]
    together = threading.Barrier(200)

    def client(number: int) -> bool:
        together.wait(SECONDS)
        chosen = [(number + step) % len(bodies) for step in range(3)]
        answers = [running.post(bodies[index]) for index in chosen]
        return all(
            status == 200 and _same(json.loads(answer), expected[index])
            for index, (status, answer) in zip(chosen, answers, strict=True)
        )

    with ThreadPoolExecutor(200) as pool:
        assert all(pool.map(client, range(200)))
    assert running.memory() < MOST_MEMORY


def test_a_siege_of_hostile_clients_harms_nobody_else(start: Start) -> None:
    server = start("--quiet")
    seen = besiege(server, rounds=1)
    assert seen.wrong == []
    assert len(seen.health) > 1
    assert seen.memory < MOST_MEMORY


def test_the_health_check_does_not_wait_for_other_requests(start: Start) -> None:
    server = start("--threads", "2")
    drawing = {"strokes": drawings()[0].strokes}
    body = json.dumps({"batch": [drawing] * 64}).encode()
    answered: list[int] = []

    def work(_: int) -> None:
        answered.append(server.post(body)[0])

    with ThreadPoolExecutor(20) as pool:
        work_done = pool.map(work, range(20))
        until(lambda: answered, "no answer")
        with server.ask("GET", "/healthz") as response:
            assert response.status == 200
        waiting = 20 - len(answered)
        list(work_done)
    assert waiting > 0
    assert answered == [200] * 20
