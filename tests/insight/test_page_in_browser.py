"""The pages in a real browser: at a desk and on a phone, light and dark."""

import numpy as np
import pytest
from selenium import webdriver

import unrolled as ur
from unrolled.insight import fix, inspect
from unrolled.training import SilentReporter

CHROMIUM = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,900")

# Pairs of boxes that lie over one another: the blocks of the page, and the texts within each picture.
OVERLAPS = """
const found = [];
function check(elements, what, slack) {
  const boxes = elements.map((e) => [e, e.getBoundingClientRect()]).filter(([, b]) => b.width && b.height);
  boxes.forEach(([e, a], i) => boxes.slice(i + 1).forEach(([f, b]) => {
    if (e.contains(f) || f.contains(e)) return;
    const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const told = [e, f].map((one) => one.textContent.trim().slice(0, 40));
    if (w > slack && h > slack) found.push(what + ": " + told.join(" | "));
  }));
}
check([...document.querySelectorAll("main > *")], "blocks", 0.5);
for (const block of document.querySelectorAll("section, header, .text, .controls, .figures"))
  check([...block.children], "in a block", 0.5);
for (const svg of document.querySelectorAll("figure svg"))
  check([...svg.querySelectorAll("text")], "texts", 1.5);
return found;
"""

# Texts of a picture that leave it, and axes without a unit in brackets.
UNLABELLED = """
const wrong = [];
for (const svg of document.querySelectorAll("figure svg")) {
  const box = svg.getBoundingClientRect(), name = svg.getAttribute("aria-label");
  const texts = [...svg.querySelectorAll("text")];
  for (const t of texts) {
    const b = t.getBoundingClientRect();
    if (b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1)
      wrong.push(name + ": '" + t.textContent + "' is cut off");
  }
  if (!name) wrong.push("a picture without a name");
  for (const axis of svg.querySelectorAll("[id*='matplotlib.axis_']")) {
    const own = (e) => e.id.includes("text_");
    const ticks = [...axis.querySelectorAll("[id*='tick_'] text")].map((t) => t.textContent.trim());
    const label = [...axis.children].filter(own).map((e) => e.textContent.trim()).join(" ");
    const numbers = ticks.filter((t) => t && !Number.isNaN(Number(t.replace("\u2212", "-")))).length;
    if (label ? !/\\(.+\\)/.test(label) : numbers)
      wrong.push(name + ": '" + label + "' without a unit, of " + ticks.join(", "));
  }
}
for (const table of document.querySelectorAll("table")) {
  let around = table;
  while (around && !/auto|scroll/.test(getComputedStyle(around).overflowX)) around = around.parentElement;
  const width = table.getBoundingClientRect().width;
  if (width > innerWidth && !around) wrong.push("a table of " + width + " that does not scroll");
}
return wrong;
"""

# The least contrast of any text with what is behind it.
CONTRAST = """
const rgb = (c) => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
const linear = (v) => v <= 0.04 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = (c) => rgb(c).map((v) => linear(v / 255))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
let least = 99;
for (const e of document.querySelectorAll("h1, h2, p, td, th, dt, dd, li, figcaption, svg text, footer")) {
  let behind = e;
  while (behind && getComputedStyle(behind).backgroundColor.match(/, 0\\)$/)) behind = behind.parentElement;
  const style = getComputedStyle(e);
  const a = light(e.matches("svg text") ? style.fill : style.color);
  const b = light(getComputedStyle(behind || document.body).backgroundColor);
  least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
}
return least;
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def page(folder):
    """The page of a model with two layers and several columns."""
    x = np.random.default_rng(0).normal(size=(200, 40, 3)).astype(np.float32)
    y = x[:, 30:, 0].sum(1) > 0
    model = ur.SequenceClassifier("lstm", 12, layers=2, epochs=3, device="cpu")
    model.fit(x, y, past=["temperature", "pressure", "humidity"], reporter=SilentReporter())
    inspect(model, x, y).save(folder / "inspect.html")
    return folder / "inspect.html"


def wave(rows):
    return np.sin(np.arange(rows) / 8)[:, None] + 0.1 * np.random.default_rng(0).normal(size=(rows, 1))


def forecaster_inspected():
    """Segments, so that few lags stand beside wide gates' histograms."""
    model = ur.Forecaster(horizon=13, history=52, hidden_size=32, epochs=2, device="cpu")
    return inspect(model.fit(wave(500), reporter=SilentReporter()), wave(500))


def long_sequences_fixed():
    """Bands of lags with three digits, and a model trained again."""
    x = np.random.default_rng(0).normal(size=(40, 300, 2)).astype(np.float32)
    y = x[:, -1, 0] > 0
    bad = ur.SequenceClassifier("lstm", 4, forget_bias=-3.0, epochs=1, device="cpu")
    return fix(bad.fit(x, y, reporter=SilentReporter()), x, y, rounds=1, reporter=SilentReporter())


def forecasts_compared():
    task = ur.Forecaster(horizon=4, history=24, hidden_size=6, device="cpu")
    return ur.compare(task, wave(400), seeds=2, seconds=0.2)


def labels_compared():
    x = np.random.default_rng(0).normal(size=(120, 12, 2)).astype(np.float32)
    task = ur.SequenceClassifier(hidden_size=6, device="cpu")
    lengths = np.random.default_rng(1).integers(5, 13, 120)  # a feed-forward network refuses them
    return ur.compare(task, x, x[:, 2, 0] > 0, lengths=lengths, seeds=2, seconds=0.2)


def texts_compared():
    """Pooled, so that some gradients have no way to go."""
    texts = [
        f"number {n} of them was {'fine' if n % 2 else 'dull'}" + " and so on" * (n % 5) for n in range(80)
    ]
    task = ur.TextClassifier(hidden_size=6, embedding_size=6, device="cpu")
    cells = ["feed-forward", "gru", "transformer"]
    return ur.compare(task, texts, np.arange(80) % 2, architectures=cells, seeds=2, seconds=0.2)


def classics_compared():
    cells = ["elman", "lstm", "gru", "transformer"]
    given = {"steps": 30, "parameters": 400, "advice": True, "clipping": True}
    return ur.compare_synthetic(["adding", "recall"], [8, 40], cells, **given)


OTHERS = {
    "segments": forecaster_inspected,
    "fix": long_sequences_fixed,
    "compare forecast": forecasts_compared,
    "compare classify": labels_compared,
    "compare texts": texts_compared,
    "compare synthetic": classics_compared,
}


@pytest.fixture(scope="module", params=["inspect", *OTHERS])
def any_page(request, folder, page):
    """Each page there is, made once."""
    path = folder / f"{request.param}.html"
    if request.param in OTHERS:
        OTHERS[request.param]().save(path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (*CHROMIUM, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def opened(browser, page, width, scheme):
    """The page at a width of CSS pixels, in a colour scheme; the whole height is laid out."""
    wanted = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    size["height"] = browser.execute_script("return document.documentElement.scrollHeight")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole(browser, any_page, width, scheme, tmp_path):
    opened(browser, any_page, width, scheme)
    browser.save_screenshot(str(tmp_path / f"{width}-{scheme}.png"))
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(OVERLAPS) == []
    assert browser.execute_script(UNLABELLED) == []
    assert browser.execute_script(CONTRAST) >= 4.5
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in paper[4:-1].split(",")) > 380) == (scheme == "light")


def inked(browser):
    return browser.execute_script(
        "const c = document.getElementById('live-canvas');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n;"
    )


def test_the_live_picture_moves(browser, page):
    opened(browser, page, 1280, "light")
    whole = inked(browser)
    assert whole > 10_000 and "step 40 of 40" in browser.find_element("id", "live-now").text
    browser.execute_script(
        "const s = document.getElementById('live-time'); s.value = 9; s.dispatchEvent(new Event('input'));"
    )
    told = browser.find_element("id", "live-now").text
    assert "step 10 of 40" in told and "temperature" in told and inked(browser) < whole
    maps = browser.execute_script(
        "return [...document.getElementById('live-map').options].map((o) => o.value)"
    )
    gates = ["input gate", "forget gate", "candidate", "output gate"]
    assert maps == ["hidden state", "cell state", *gates]
    browser.execute_script(
        "const m = document.getElementById('live-map'); m.value = 'forget gate';"
        "m.dispatchEvent(new Event('change')); document.getElementById('live-play').click();"
    )
    assert browser.find_element("id", "live-play").get_attribute("aria-label") == "Pause"
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
