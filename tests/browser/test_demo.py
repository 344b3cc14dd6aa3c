"""A demo in a real browser: behind its token, full-screen, by its keys, and without a question to any other host."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints, open_page

pytestmark = pytest.mark.browser

SCENE = {
    "widget": "duel", "title": "Mine", "say": "Look here.", "right": "vaegan", "settings": {"kind": "ms"},
    "look": {"swipe": 0.25},
}  # fmt: skip


class Demo:
    """A running ``brainlab demo``: its link with the token, and its process."""

    def __init__(self, link: str, process: subprocess.Popen) -> None:
        self.link, self.process, self.address = link, process, link.split("?")[0]
        self.asked: list[str] = []  # every address that its page has asked


def heed_interrupts() -> None:
    """What a shell starts in the background ignores interrupts, and so does all that it starts in turn."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    file = tmp_path_factory.mktemp("demo") / "mine.json"
    file.write_text(json.dumps(SCENE))
    command = [
        sys.executable,
        "-m",
        "brainlab",
        "demo",
        "vae-or-vaegan",
        "--scene",
        str(file),
        "--port",
        "0",
        "--no-browser",
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        preexec_fn=heed_interrupts,
    )
    said = []
    for line in process.stdout or ():
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\w+", line):
            break
    else:
        raise RuntimeError("".join(said))
    yield Demo(found[0], process)
    if process.poll() is None:
        process.kill()


@pytest.fixture(scope="module")
def page(demo, browser):
    page = open_page(browser, 1920, 1080)
    page.on("request", lambda request: demo.asked.append(request.url))
    page.on("websocket", lambda socket: demo.asked.append(socket.url))
    page.goto(demo.link)
    w.root(page)
    yield page
    page.context.close()


def title(page) -> str:
    return page.locator(".brainlab-demo-bar h1").inner_text()


def test_without_the_token_nothing_is_shown(demo):
    with urllib.request.urlopen(demo.address) as answer:
        assert urlsplit(answer.url).path == "/login"
        assert b"rendered_cells" not in answer.read()
    with urllib.request.urlopen(demo.address + "?token=wrong") as answer:
        assert urlsplit(answer.url).path == "/login"
    kernel = demo.address + "api/kernels/00000000-0000-0000-0000-000000000000"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(kernel)
    with pytest.raises(urllib.error.URLError):  # on this computer's own address only
        urllib.request.urlopen(demo.address.replace("127.0.0.1", "127.0.0.2"), timeout=5)


def test_the_first_scene_fills_the_screen_and_the_token_leaves_the_address(page):
    assert title(page) == "Mine"
    assert page.locator(".brainlab-demo-say").inner_text() == "Look here."
    assert page.url.endswith("/?scene=mine")
    assert w.pixels(w.root(page), "scan").std() > 10
    box = page.locator(".brainlab-demo").bounding_box()
    assert box["width"] >= 1900
    assert page.evaluate("document.documentElement.scrollHeight") <= 1090
    assert page.locator("section.brainlab").evaluate("one => parseFloat(getComputedStyle(one).fontSize)") == 22


def test_n_goes_on_p_goes_back_and_r_brings_the_scene_back(page):
    widget = w.root(page)
    page.keyboard.press("n")
    expect(page.locator(".brainlab-demo-bar")).to_contain_text("2 of 2")
    w.settle(widget)
    assert "Tumour" in w.readout(widget)
    widget.get_by_label("infarct", exact=True).check()
    expect(widget.locator(".brainlab-readout")).to_contain_text("Infarct")
    page.keyboard.press("r")
    expect(widget.locator(".brainlab-readout")).to_contain_text("Tumour")
    page.keyboard.press("p")
    expect(page.locator(".brainlab-demo-bar")).to_contain_text("1 of 2")
    expect(widget.locator(".brainlab-readout")).to_contain_text("Multiple sclerosis")


def test_a_copied_scene_comes_back_by_its_link(page, demo, browser):
    widget = w.root(page)
    widget.get_by_label("residual", exact=True).check()
    w.settle(widget)
    page.get_by_role("button", name="Copy this scene").click()
    text = page.get_by_role("textbox").input_value()
    assert json.loads(text)["settings"]["shows"] == "residual"
    assert json.loads(text)["look"]["swipe"] == 0.25
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a file").click()
    assert json.loads(saved.value.path().read_text()) == json.loads(text)
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(widget.locator(".brainlab-readout")).to_contain_text("Tumour")
    page.evaluate("text => { location.hash = '#state=' + encodeURIComponent(text); }", text)
    expect(widget.locator(".brainlab-readout")).to_contain_text("Multiple sclerosis")
    expect(widget.get_by_label("residual", exact=True)).to_be_checked()


def test_a_bad_link_is_a_sentence_and_the_scene_stays(page):
    widget, before = w.root(page), w.readout(w.root(page))
    page.evaluate("location.hash = '#scene=no-such-scene'")
    expect(page.locator(".brainlab-demo-bar [role=alert]")).to_contain_text("no demo 'no-such-scene'")
    assert w.readout(widget) == before


def test_no_other_host_is_asked_and_the_console_stays_clean(page, demo):
    assert {urlsplit(one).netloc for one in demo.asked if not one.startswith(("data:", "blob:"))} == {
        urlsplit(demo.address).netloc
    }
    assert complaints(page) == []


def test_an_interrupt_ends_it_without_a_traceback_and_frees_the_port(demo, page):
    page.context.close()
    demo.process.send_signal(signal.SIGINT)
    said = demo.process.communicate(timeout=30)[0]
    assert demo.process.returncode == 0
    assert "Traceback" not in said
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(demo.address, timeout=5)
