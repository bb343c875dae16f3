"""WebAssembly: equal to the stream in wasmtime, in Node and in a browser's page."""

import functools
import http.server
import json
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from drawn_programs import lowered, sequence
from selenium import webdriver

from unrolled.deploy import compare, export, replay
from unrolled.deploy.export import replay_drawn
from unrolled.errors import ArgumentError, MissingPartError

CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,700",
]


@pytest.fixture(scope="module")
def weather(tmp_path_factory):
    """A forecaster with every role, a calendar, words and missing values; the replay it was written with."""
    program = lowered("segment", cell="gru", segment=5)
    one = replay_drawn(program)
    folder = tmp_path_factory.mktemp("wasm") / "weather"
    done = export(program, folder, to="wasm", replays=[one])
    return folder, one, done


def as_array(answers, one):
    """Answers as the page or Node has them: lists, null while it waits."""
    empty = [np.nan] * one.answers[0].size
    return np.array([answer or empty for answer in answers], np.float32).reshape(-1, *one.answers.shape[1:])


def test_the_file_answers_as_the_stream(weather):
    folder, _, done = weather
    names = ["weather.html", "weather.js", "weather.wasm", "weather_rows.json"]
    assert [file.name for file in done.files] == names
    assert done.parity.share <= 1e-5 and done.parity.answers > 2000
    assert done.sizes["wasm"] == (folder / "weather.wasm").stat().st_size < 40_000
    assert b"\xfd\x0c" in (folder / "weather.wasm").read_bytes()  # v128.const: vectors are used


def test_sample_paths_and_states_that_start_from_rows(tmp_path):
    assert export(lowered("recursive", cell="lstm"), tmp_path / "paths", to="wasm").parity.share <= 1e-5


def test_node_steps_saves_and_refuses(weather):
    folder, one, _ = weather
    script = Path(__file__).parent / "replay.mjs"
    done = subprocess.run(["node", script, folder, "weather"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    answers = as_array(found["answers"], one)
    assert compare([one], lambda _: answers).share <= 1e-5
    assert found["same"] is True
    assert found["told"][0] == "column 'date': expected a time, got text. Write 2024-05-01T06:00."
    assert found["told"][1].startswith("state: expected ") and "got 3" in found["told"][1]


@pytest.fixture
def served(weather):
    """The address of the exported folder."""
    handler = functools.partial(Quiet, directory=str(weather[0]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/weather.html"
    server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_the_page_draws_the_live_stream(weather, served, tmp_path):
    _, one, _ = weather
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (*CHROMIUM, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        browser.get(served)
        until = time.monotonic() + 30
        while not browser.execute_script("return globalThis.demo?.done") and time.monotonic() < until:
            time.sleep(0.1)
        answers = as_array(browser.execute_script("return globalThis.demo.answers"), one)
        told = browser.find_element("id", "told").text
        inked = browser.execute_script(
            "const c = document.getElementById('picture');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n;"
        )
        browser.save_screenshot(str(tmp_path / "page.png"))
    finally:
        browser.quit()
    assert compare([one], lambda _: answers).share <= 1e-5
    assert told.startswith(f"row {len(one.rows)} of {len(one.rows)}, ")
    assert inked > 5_000


def test_what_cannot_be_written_is_told(tmp_path, monkeypatch):
    both = sequence({"features": 2, "classes": 3}, hidden=4, bidirectional=True)
    with pytest.raises(ArgumentError, match="needs the whole sequence"):
        export(both, tmp_path / "out", to="wasm")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    plain = sequence({"features": 2, "classes": 3}, hidden=4)
    with pytest.raises(MissingPartError, match=r"ziglang: .*pip install 'unrolled\[wasm\]'"):
        export(plain, tmp_path / "out", to="wasm", replays=[replay(plain, np.zeros((3, 2)))])
    assert list(tmp_path.iterdir()) == []
