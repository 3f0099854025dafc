# SPDX-License-Identifier: MIT
"""The site in a browser, from files as on a stick, and served: no page has an error, and search, keys and pictures work."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="no Selenium here: ./pdc setup --contributor installs it")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
PATIENCE = 120  # seconds, on a machine that is busy
KINDS = [  # one page of each
    "index.html", "contents.html", "glossary.html", "topics.html", "contributing.html", "search.html", "chapter2_threads/index.html",
    "chapter2_threads/lock.html", "chapter5_async/coordinator.html", "chapter1_intro/mandelbrot.html",
    "files/common/programs/lists.py.html",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium with chromedriver here: ./pdc setup --contributor installs them")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1600,1000"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.chrome.service.Service(driver)
    with contextlib.closing(Closing(webdriver.Chrome(service=service, options=options))) as held:
        held.driver.set_page_load_timeout(PATIENCE)
        yield held.driver


class Closing:
    def __init__(self, driver):
        self.driver = driver

    def close(self) -> None:
        self.driver.quit()


@contextlib.contextmanager
def served(site: Path):
    import serve

    with serve.serving(serve.Handler, site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def wait_until(browser, holds):
    return WebDriverWait(browser, PATIENCE).until(lambda _: holds())


def errors(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def press(browser, key: str) -> None:
    browser.find_element(By.TAG_NAME, "body").send_keys(key)


def element(browser, selector: str):
    return browser.find_element(By.CSS_SELECTOR, selector)


def test_every_kind_of_page_loads_from_files_without_an_error_and_none_is_wider_than_a_phone(site, browser):
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        for name in KINDS:
            browser.get((site / name).as_uri())
            assert errors(browser) == [], name
            width = browser.execute_script("return document.documentElement.scrollWidth")
            assert width <= 360, f"{name} is {width} pixels wide"
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_every_kind_of_page_loads_without_an_error_from_a_server_that_forbids_what_is_inline(site, browser):
    with served(site) as address:
        for name in KINDS:
            browser.get(address + name)
            assert errors(browser) == [], name
        browser.get(f"{address}search.html?q=shared_mutex")
        wait_until(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#search-results li"))
        assert errors(browser) == []


def test_the_search_finds_text_and_code_without_a_server(site, browser):
    browser.get((site / "index.html").as_uri())
    press(browser, "/")
    browser.switch_to.active_element.send_keys("shared_mutex", Keys.ENTER)
    wait_until(browser, lambda: any(
        "read_write_lock" in link.get_attribute("href")
        for link in browser.find_elements(By.CSS_SELECTOR, "#search-results a")))  # fmt: skip
    assert errors(browser) == []


def test_the_arrow_keys_lead_from_page_to_page(site, browser):
    browser.get((site / "chapter2_threads" / "lock.html").as_uri())
    press(browser, Keys.ARROW_RIGHT)
    wait_until(browser, lambda: browser.current_url.endswith("/synchronized_output.html"))
    press(browser, Keys.ARROW_LEFT)
    wait_until(browser, lambda: browser.current_url.endswith("/lock.html"))


def test_the_switch_changes_the_page_and_its_pictures_and_is_remembered(site, browser):
    def colours() -> list[str]:
        background = element(browser, "body").value_of_css_property("background-color")
        return [background, element(browser, "figure svg text").value_of_css_property("fill")]

    browser.get((site / "chapter2_threads" / "lock.html").as_uri())
    before = colours()
    press(browser, "d")
    after = colours()
    assert before[0] != after[0] and before[1] != after[1]
    browser.refresh()
    assert colours() == after
    element(browser, "#theme").click()
    assert colours() == before


def test_a_picture_becomes_large_by_a_click_and_fills_the_screen_by_a_key(site, browser):
    browser.get((site / "chapter2_threads" / "lock.html").as_uri())
    picture = element(browser, "figure.picture")
    small = picture.size
    browser.execute_script("arguments[0].scrollIntoView()", picture)
    picture.click()
    assert "large" in picture.get_attribute("class") and picture.size["height"] > small["height"]
    assert browser.switch_to.active_element.text == "Close"
    press(browser, Keys.ESCAPE)
    assert "large" not in picture.get_attribute("class")
    press(browser, "f")
    wait_until(browser, lambda: browser.execute_script("return document.fullscreenElement !== null")
               or "large" in picture.get_attribute("class"))  # fmt: skip
    press(browser, "f")
    assert errors(browser) == []


def test_a_term_of_shows_marks_its_lines_by_mouse_and_by_keyboard(site, browser):
    browser.get((site / "chapter2_threads" / "lock.html").as_uri())
    term = next(each for each in browser.find_elements(By.CSS_SELECTOR, ".term") if each.text == "std::scoped_lock")

    def marked() -> list[str]:
        return [line.text for line in browser.find_elements(By.CSS_SELECTOR, ".line.marked")]

    assert marked() == []
    webdriver.ActionChains(browser).move_to_element(term).perform()
    assert marked() and all("std::scoped_lock" in line for line in marked())
    webdriver.ActionChains(browser).move_to_element(element(browser, "h1")).perform()
    assert marked() == []
    browser.execute_script("arguments[0].focus()", term)
    assert marked()
    term.send_keys(Keys.ENTER)
    assert term.get_attribute("aria-pressed") == "true" and marked()


def test_text_and_source_stand_side_by_side_where_there_is_room(site, browser):
    browser.get((site / "chapter2_threads" / "lock.html").as_uri())
    text, code = (element(browser, f".sides > .{side}").rect for side in ("text", "code"))
    assert code["x"] > text["x"] + text["width"] - 1


def test_show_puts_the_next_picture_in_the_place_of_the_one_before(tmp_path, browser):
    import chapters
    import pages
    import picture
    import serve

    program = chapters.find("lock")
    drawing = pages.inline_svg(chapters.ROOT / "chapter2_threads" / "pictures" / "lock.svg", "the first")
    shutil.copytree(picture.HERE / "theme" / "static", tmp_path, dirs_exist_ok=True)
    (tmp_path / "pictures.css").write_text(pages.picture_styles())
    drawn = picture.Drawn()
    drawn.set([drawing])
    with serve.serving(picture.handler_of(drawn, program), tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.get(f"http://127.0.0.1:{server.server_port}/")
        wait_until(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "svg[aria-label='the first']"))
        drawn.set([drawing.replace("the first", "the second")])
        wait_until(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "svg[aria-label='the second']"))
        assert errors(browser) == []
        server.shutdown()


@pytest.fixture(scope="module")
def running(site):
    """The address of book_server, which serves the site and runs its programs."""
    with serving_programs(site, BUILD) as address:
        yield address


@contextlib.contextmanager
def serving_programs(site: Path, build: Path):
    command = [build / "chapter5_async" / "book_server", "--serve", "--site", site]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as server:
        yield next(line.split()[1] for line in server.stdout if line.startswith("open "))
        server.terminate()
        assert server.wait(PATIENCE) == 0


def open_page(browser, address: str, page: str) -> None:
    """By the address with the token, as a reader does, and then the page."""
    browser.get(address)
    browser.get(f"{address.partition('?')[0]}{page}")
    wait_until(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#run form"))


def fill_in(browser, name: str, *keys: str):
    """Writes over what stands in that field of the form."""
    field = element(browser, f"#run input[name={name}]")
    field.clear()
    field.send_keys(*keys)
    return field


def output(browser) -> str:
    return element(browser, "#run pre").text


def test_a_page_runs_its_program_with_the_options_that_it_is_given_and_shows_its_picture(running, browser):
    open_page(browser, running, "chapter2_threads/barrier.html")
    fill_in(browser, "threads", "3", Keys.ENTER)
    wait_until(browser, lambda: "all claims hold" in output(browser))
    assert browser.find_elements(By.CSS_SELECTOR, "#run .ok")
    picture = element(browser, "#run img")
    wait_until(browser, lambda: picture.get_property("naturalWidth"))
    assert errors(browser) == []


def orders(browser) -> list[str]:
    asked = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    return [url for url in asked if "/run/" in url]


def test_a_page_runs_ranks(running, browser):
    open_page(browser, running, "chapter4_mpi/ring.html")
    fill_in(browser, "ranks", "3", Keys.ENTER)
    wait_until(browser, lambda: "all claims hold" in output(browser))
    wait_until(browser, lambda: orders(browser))  # noted when all of the answer has come
    (order,) = orders(browser)
    assert order.endswith("/run/ring?ranks=3")  # what is left as it was is not said
    assert errors(browser) == []


def test_what_is_out_of_range_is_not_sent_and_what_the_program_refuses_is_red(running, browser):
    open_page(browser, running, "chapter4_mpi/ring.html")
    ranks = fill_in(browser, "ranks", "99", Keys.ENTER)
    assert not ranks.get_property("validity")["valid"]
    assert output(browser) == ""
    fill_in(browser, "ranks", "1", Keys.ENTER)  # one is too few
    wait_until(browser, lambda: "status 2" in output(browser))
    assert element(browser, "#run .failed")


def test_a_claim_that_fails_is_red(site, browser, tmp_path):
    """The lock's first mutant, in a build folder of its own."""
    server = tmp_path / "chapter5_async" / "book_server"
    server.parent.mkdir()
    shutil.copy(BUILD / "chapter5_async" / "book_server", server)
    mutants = [sys.executable, "-B", ROOT / "tests" / "mutants" / "mutants.py", "--build", BUILD]
    subprocess.run([*mutants, "chapter2_threads.lock", "--mutant", "1", "--keep", tmp_path / "mutant"], check=True)
    catalog = json.loads((BUILD / "catalog.json").read_text())
    lock = next(entry for entry in catalog if entry["name"] == "lock")
    (tmp_path / "catalog.json").write_text(json.dumps([{**lock, "executable": "mutant/lock"}]))
    with serving_programs(site, tmp_path) as address:
        open_page(browser, address, "chapter2_threads/lock.html")
        run, _ = browser.find_elements(By.CSS_SELECTOR, "#run button")
        run.click()
        wait_until(browser, lambda: "status 1" in output(browser))
    failed = element(browser, "#run .failed")
    assert "[failed] without the mutex, all are in the critical section at once" in failed.text
    red, green, blue, *_ = map(float, re.findall(r"[\d.]+", failed.value_of_css_property("color")))
    assert red > max(green, blue)
    assert not any("all claims hold" in line.text for line in browser.find_elements(By.CSS_SELECTOR, "#run .ok"))


def test_stop_stops_the_program_and_the_next_one_may_run(running, browser):
    open_page(browser, running, "chapter5_async/timers.html")
    fill_in(browser, "ticks", "100", Keys.ENTER)
    run, stop = browser.find_elements(By.CSS_SELECTOR, "#run button")
    wait_until(browser, lambda: "timers" in output(browser))
    stop.click()
    wait_until(browser, lambda: output(browser).endswith("stopped"))
    fill_in(browser, "ticks", "5")
    wait_until(browser, lambda: run_again(browser, run))
    assert "status" not in output(browser)


def run_again(browser, run) -> bool:
    """The server may still wait for the end of the program before."""
    run.click()
    wait_until(browser, run.is_enabled)
    return "all claims hold" in output(browser)
