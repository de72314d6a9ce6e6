"""The page when something goes wrong: slow answers, bad files, a server that is lost, work that is cancelled."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from viewer_server import WAIT, parent_of, serving, wait_until

import splatzip

from .looking import LOOK, go, picture, unfold

pytestmark = pytest.mark.browser


# What the server answers to the page's questions is read at once (`answers`) and given to the page message by message;
# from `hold` on it is kept back, until `release`: of everything, or up to the answer to one question.
HELD_ANSWERS = """
const plain = window.fetch;
let gate = null;
let open = () => {};
let last = null;
let joins = Promise.resolve();
const clicked = new Set(); // questions by a click: the page asks some by itself as it opens, which are not held
const answers = (message, question) => message.includes('"process_completed"') && message.includes(question);
const isHeld = (message) => gate && [...clicked].some((question) => answers(message, question));
window.answered = (question) => read.some((message) => answers(message, question));
window.hold = () => { gate = new Promise((done) => { open = done; }); };
window.release = (question) => { last = question; gate = null; open(); };
const read = [];
window.fetch = async (input, init) => {
  const url = String(input.url ?? input);
  const coming = plain.call(window, input, init);
  if (url.includes('/queue/join') && JSON.parse(init.body).trigger_id) {
    const known = coming.then((response) => response.clone().json()).then(({ event_id }) => clicked.add(event_id));
    joins = Promise.all([joins, known]);
  }
  const answer = await coming;
  if (!url.includes('/queue/data')) return answer;
  const body = new TransformStream();
  const page = body.writable.getWriter();
  const bytes = new TextEncoder();
  const give = async (message) => {
    await joins; // an answer may come before its question's number
    while (isHeld(message)) await gate;
    if (last && answers(message, last)) hold();
    await page.write(bytes.encode(message));
  };
  (async () => {
    let given = Promise.resolve();
    let begun = '';
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const messages = (begun + text).split(/(?<=\\n\\n)/);
      begun = messages.at(-1).endsWith('\\n\\n') ? '' : messages.pop();
      read.push(...messages);
      for (const message of messages) given = given.then(() => give(message));
      given.catch(() => {}); // the page need not read to the end
    }
    await given;
    await page.close();
  })().catch((error) => page.abort(error));
  return new Response(body.readable, answer);
};
"""


def test_what_is_asked_before_a_slow_answer_has_arrived_is_answered(chromium, server):
    tab = chromium.new_context(viewport={"width": 1200, "height": 800}).new_page()
    tab.add_init_script(HELD_ANSWERS)
    go(tab, server.address)
    fold = tab.locator("#crop-box button").first
    tab.evaluate("hold()")
    with tab.expect_response(is_to_a_click) as joined:
        unfold(tab, fold)
    question = joined.value.json()["event_id"]
    tab.wait_for_function(f"answered('{question}')", timeout=WAIT)
    with tab.expect_response(is_to_a_click):
        fold.click()  # what is folded away is not drawn
    assert tab.evaluate(f"{LOOK}.state.box") is None
    tab.evaluate(f"release('{question}')")
    tab.wait_for_function(f"{LOOK}.state.box", timeout=WAIT)
    tab.evaluate("release()")
    tab.wait_for_function(f"{LOOK}.state.box === null", timeout=WAIT)
    tab.context.close()


def is_to_a_click(response: Any) -> bool:
    return "/queue/join" in response.url and response.request.post_data_json["trigger_id"] != 0


def test_a_server_that_is_told_to_end_takes_its_work_with_it(chromium, small, tmp_path):
    with ExitStack() as held:
        with serving(tmp_path, small) as server:
            page = chromium.new_context().new_page()
            go(page, server.address)
            unfold(page, page.get_by_role("tab", name="Compress"))
            held.enter_context(server.held())  # it does not end by itself
            page.locator("#compress").click()
            wait_until(lambda: server.children() != [])
            (child,) = server.children()
        wait_until(lambda: parent_of(child) is None)  # what is killed is not gone at once
    page.context.close()


def test_a_bad_file_is_refused_in_words_and_the_page_goes_on(tab, small, tmp_path):
    before = picture(tab)
    bad = tmp_path / "bad.splatz"
    bad.write_bytes(splatzip.compress(small, preset="fast")[:5000])
    tab.locator("#open-ref input[type=file]").set_input_files(bad)
    words = tab.locator("#open-ref .problem")
    words.wait_for(state="visible", timeout=WAIT)
    assert "bad.splatz" in words.inner_text()
    assert "the file is cut" in words.inner_text()
    assert str(tmp_path) not in words.inner_text()
    np.testing.assert_array_equal(picture(tab), before)
    whole = tmp_path / "whole.splatz"
    whole.write_bytes(splatzip.compress(small, preset="fast", degree=0))
    tab.locator("#open-ref input[type=file]").set_input_files(whole)
    tab.wait_for_function(f"{LOOK}.state.ref === 'whole.splatz'", timeout=WAIT)
    assert not words.is_visible()
    tab.locator("#open-test input[type=file]").set_input_files(bad)
    words = tab.locator("#open-test .problem")
    words.wait_for(state="visible", timeout=WAIT)
    tab.locator("#open-ref input[type=file]").set_input_files(small)
    words.wait_for(state="hidden", timeout=WAIT)  # it was about another scene


def test_a_page_that_has_lost_its_server_begins_anew_when_that_is_back(chromium, server):
    tab = chromium.new_context().new_page()
    go(tab, server.address)
    unfold(tab, tab.get_by_role("tab", name="Compress"))
    token = tab.evaluate(f"{LOOK}.state.token")
    tab.context.set_offline(True)
    tab.locator("#target").get_by_text("quality", exact=True).click()
    tab.locator(".toast-body").get_by_text("Attempting reconnection").wait_for(timeout=WAIT)
    tab.context.set_offline(False)
    look = "document.querySelector('.look-slot')?.splatzipLook"
    tab.wait_for_function(f"{look}?.isFull && {look}.state.token !== '{token}'", timeout=WAIT)
    assert tab.locator(".toast-body").count() == 0
    tab.context.close()


def test_what_a_proxy_answers_instead_of_the_server_is_said_in_words(chromium, server, small):
    tab = chromium.new_context().new_page()
    go(tab, server.address)
    for below, status in (("picture", 502), ("upload", 413)):
        page_of_its_own = {"status": status, "content_type": "text/html", "body": "<html><h1>nginx</h1></html>"}
        tab.route(re.compile(f"/{below}"), lambda route, _, answer=page_of_its_own: route.fulfill(**answer))
    tab.locator(".look-stage").press("ArrowLeft")
    tab.locator(".look-words").get_by_text("The server does not answer").wait_for(timeout=WAIT)
    tab.locator("#open-ref input[type=file]").set_input_files(small)
    tab.locator("#open-ref .problem").get_by_text("The upload failed").wait_for(timeout=WAIT)
    assert "<html>" not in tab.locator("body").inner_text()
    tab.context.close()


def test_work_can_be_cancelled_while_another_page_goes_on(tab, chromium, server):
    other = chromium.new_context(viewport={"width": 500, "height": 700}).new_page()
    go(other, server.address)
    unfold(tab, tab.get_by_role("tab", name="Compress"))
    with server.held():
        tab.locator("#compress").click()
        tab.locator("#cancel").wait_for(state="visible", timeout=WAIT)
        tab.locator("#convert:disabled").wait_for(timeout=WAIT)  # it would end what is under way
        assert other.evaluate(f"{LOOK}.state.test") is None
        assert other.evaluate(f"{LOOK}.state.token") != tab.evaluate(f"{LOOK}.state.token")
        tab.locator("#cancel").click()
        tab.locator("#compress-message").get_by_text("cancelled").wait_for(timeout=WAIT)
    assert tab.evaluate(f"{LOOK}.state.test") is None
    for button in ("compress", "convert"):
        tab.locator(f"#{button}:enabled").wait_for(timeout=WAIT)
    assert tab.locator("#result a").count() == 0
    folder = server.folder(other.evaluate(f"{LOOK}.state.token"))
    assert folder.is_dir()
    other.context.close()
    wait_until(lambda: not folder.exists())
