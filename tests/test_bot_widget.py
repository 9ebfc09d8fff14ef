"""The chat as its visitors use it, in a real browser against the whole product."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect
from sqlalchemy import Engine, select

from app.database import open_database
from app.settings import Settings
from app.wire import make_desk, new_id
from handoff.desk import active_ticket, agent_reply
from handoff.log import append_message
from handoff.tables import contacts, feedback
from handoff.thread import Message
from kb.sql import writing
from retrieval.embed import SentenceEmbedder
from tests.browser import PHONE, Host, Visitor, barriers, chromium, host_pages, plain, serve, visiting
from tests.standin import hang_midway, standing_in

USERNAME = "how often can i change my username"
UNANSWERED = "how do i make a playlist out of my videos"
PERSON = "i want to talk to a human"
HOSTILE = (
    '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    '<a href="javascript:window.pwned=1">tap</a> [tap](javascript:window.pwned=1) {{7*7}}'
)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with host_pages() as pages:
        yield pages


@pytest.fixture(scope="module")
def site(shipped: Settings, embedder: SentenceEmbedder, host: Host) -> Iterator[str]:
    with serve(shipped.model_copy(update={"widget_origins": [host.localhost]}), embedder) as address:
        yield address


@pytest.fixture(scope="module")
def database(shipped: Settings) -> Iterator[Engine]:
    engine = open_database(shipped.database)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def visitor(browser: Browser, site: str) -> Iterator[Visitor]:
    with visiting(browser, site) as person:
        yield person


def reply_as_agent(database: Engine, visitor: Visitor, text: str) -> None:
    with writing(database) as conn:
        ticket = active_ticket(conn, visitor.conversation()["id"])
        assert ticket is not None
        agent_reply(conn, make_desk(), ticket, "ada@example.com", text)


def roles(visitor: Visitor) -> list[str]:
    return [message["role"] for message in visitor.transcript()["messages"]]


def test_the_button_on_the_front_page_opens_the_chat_with_a_greeting(visitor: Visitor) -> None:
    visitor.goto("/")
    expect(visitor.panel).to_be_hidden()

    visitor.open_chat()

    expect(visitor.panel).to_be_visible()
    expect(visitor.see("#log .message.bot")).to_contain_text("I'm the Callboard assistant, an AI")
    expect(visitor.launcher).to_have_attribute("aria-expanded", "true")


def test_a_question_on_the_front_page_is_asked_by_a_click(visitor: Visitor) -> None:
    visitor.goto("/")
    button = visitor.page.get_by_role("button", name="When do I get paid for Creator Rewards?")
    button.click()

    expect(visitor.see("#log .message.creator")).to_contain_text("When do I get paid for Creator Rewards?")
    expect(visitor.see("#log .message.bot").last).to_contain_text("on the 15th")


def test_a_sentence_that_is_taken_back_leaves_the_screen(
    browser: Browser, shipped: Settings, embedder: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with standing_in(monkeypatch) as model:
        model.behaviour = hang_midway
        settings = shipped.model_copy(update={"llm": "openai:stand-in", "llm_between": 4})
        with serve(settings, embedder) as site, visiting(browser, site) as visitor:
            visitor.goto("/")
            visitor.open_chat()
            visitor.see("#text").fill(USERNAME)
            visitor.see("#text").press("Enter")
            expect(visitor.see("#draft")).to_contain_text("once every 30 days")
            expect(visitor.see("#draft")).not_to_contain_text("once every 30 days", timeout=15_000)
            expect(visitor.see("#log .message.bot").last).to_contain_text("edit your profile")
            assert visitor.transcript()["messages"][-1]["reply"]["engine"] == "extractive"


def test_an_answer_comes_sentence_by_sentence_and_with_its_sources(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.frame.evaluate(
        """() => {
            window.drafted = [];
            new MutationObserver((records) => {
                for (const record of records) for (const node of record.addedNodes) drafted.push(node.textContent);
            }).observe(document.getElementById("draft"), {childList: true, subtree: true});
        }"""
    )

    answer = visitor.ask(USERNAME)

    expect(answer).to_contain_text("once every 30 days")
    pieces = [piece for piece in visitor.frame.evaluate("drafted") if piece.strip()]
    assert any("once every 30 days" in piece for piece in pieces)
    assert any("Tap your username" in piece and "once every 30 days" not in piece for piece in pieces)
    expect(answer.locator("a.cite").first).to_have_text("[1]")
    expect(visitor.see(".sources li a").first).to_contain_text("Change your username")
    expect(visitor.see(".sources blockquote").first).to_contain_text("once every 30 days")
    expect(visitor.see("#draft")).to_be_empty()


def test_a_citation_opens_the_article_at_the_section_that_holds_the_quoted_words(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.open_chat()
    answer = visitor.ask(USERNAME)
    sources = visitor.see(".sources li")
    assert sources.count() == 2

    for n in (1, 2):
        quote = sources.nth(n - 1).locator("blockquote").inner_text()
        with visitor.context.expect_page() as opened:
            answer.locator(f'a.cite[data-n="{n}"]').first.click()
        article = opened.value
        article.wait_for_load_state()
        anchor = article.evaluate("location.hash.slice(1)")
        assert article.url.startswith(f"{visitor.site}/help/en/account/username#{anchor}")
        assert anchor
        heading = article.locator(f'[id="{anchor}"]')
        expect(heading).to_be_in_viewport()
        assert sources.nth(n - 1).locator("a").inner_text().endswith(heading.inner_text())
        assert plain(quote) in plain(article.locator("article").inner_text())
        article.close()


def test_a_question_that_no_article_answers_gets_a_ticket_number(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.open_chat()
    answer = visitor.ask(UNANSWERED)

    ticket = visitor.transcript()["ticket"]
    assert ticket["status"] in ("new", "open")
    expect(visitor.see(".ticket bdi")).to_have_text(str(ticket["number"]))
    expect(answer).to_contain_text(f"ticket number is {ticket['number']}.")
    expect(visitor.see(".sources")).to_have_count(0)


def test_the_form_brings_a_person_once_and_keeps_the_address(visitor: Visitor, database: Engine) -> None:
    visitor.goto("/")
    visitor.open_chat()
    form, talk, email = visitor.see("#handover"), visitor.see("#talk"), visitor.see("#email")
    expect(form).to_be_hidden()
    talk.click()
    expect(email).to_be_focused()

    email.fill("not an address")
    form.get_by_role("button", name="Send").click()
    expect(form).to_be_visible()
    assert visitor.transcript()["ticket"] is None

    email.fill("sam@example.com")
    form.get_by_role("button", name="Send").click()
    expect(form).to_be_hidden()
    number = visitor.transcript()["ticket"]["number"]
    expect(visitor.see(".ticket bdi")).to_have_text(str(number))
    expect(visitor.see("#log .message.system")).to_contain_text(f"ticket number is {number}.")

    talk.click()
    expect(form).to_be_hidden()
    expect(visitor.see(".ticket")).to_have_count(1)
    with database.connect() as conn:
        kept = conn.execute(select(contacts.c.email).where(contacts.c.thread == visitor.conversation()["id"]))
        assert kept.scalars().all() == ["sam@example.com"]


def test_a_thumb_is_kept_and_the_last_one_counts(visitor: Visitor, database: Engine) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.ask(USERNAME)
    message = visitor.transcript()["messages"][-1]["id"]
    up, down = (visitor.see(".thumbs button").nth(n) for n in (0, 1))

    for thumb, other, helpful in ((up, down, True), (down, up, False)):
        with visitor.page.expect_response(re.compile(r"/feedback$")) as kept:
            thumb.click()
        assert kept.value.status == 201
        expect(thumb).to_have_attribute("aria-pressed", "true")
        expect(other).to_have_attribute("aria-pressed", "false")
        with database.connect() as conn:
            votes = conn.execute(select(feedback.c.helpful).where(feedback.c.message == message)).scalars().all()
        assert votes == [helpful]


def test_a_suggestion_is_asked_by_a_tap_and_then_makes_room(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.open_chat()
    chip = visitor.see(".chip").first
    title = chip.inner_text()
    chip.click()

    expect(visitor.see("#log .message.creator")).to_contain_text(title)
    expect(visitor.see(".sources li a").first).to_contain_text(title)
    expect(visitor.see(".chip")).to_have_count(0)


def test_a_message_that_could_not_be_sent_is_sent_once_by_trying_again(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.foresee("net::ERR_FAILED")
    visitor.page.route("**/messages", lambda route: route.abort())
    visitor.see("#text").fill(USERNAME)
    visitor.see("#send").click()
    expect(visitor.see(".message.creator.unsent")).to_have_count(1)
    assert roles(visitor) == []

    visitor.page.unroute("**/messages")
    visitor.see(".failed button").click()

    expect(visitor.see("#log .message.bot").last).to_contain_text("once every 30 days")
    expect(visitor.see(".unsent, .failed")).to_have_count(0)
    expect(visitor.see("#offline")).to_be_hidden()
    expect(visitor.see("#log .message.creator")).to_have_count(1)
    assert roles(visitor) == ["creator", "bot"]


def test_an_answer_that_was_lost_on_its_way_back_arrives_all_the_same_and_once(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.foresee("net::ERR_FAILED")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    visitor.page.route("**/messages", lose)
    visitor.see("#text").fill(USERNAME)
    visitor.see("#send").click()

    expect(visitor.see("#log .message.bot").last).to_contain_text("once every 30 days")
    expect(visitor.see(".unsent, .failed")).to_have_count(0)
    expect(visitor.see("#log .message.creator")).to_have_count(1)
    assert roles(visitor) == ["creator", "bot"]


def test_a_reload_restores_the_conversation(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.ask(USERNAME)
    before, held = visitor.see("#log .message").all_inner_texts(), visitor.conversation()["id"]
    assert len(before) == 3

    visitor.page.reload()
    visitor.launcher.click()
    expect(visitor.see("#log .message")).to_have_count(3)

    assert visitor.see("#log .message").all_inner_texts() == before
    assert visitor.conversation()["id"] == held
    expect(visitor.see(".sources li")).to_have_count(2)
    visitor.ask(PERSON)
    assert roles(visitor) == ["creator", "bot", "creator", "bot"]


def test_a_persons_reply_appears_in_the_open_chat_and_silences_the_bot(visitor: Visitor, database: Engine) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.ask(PERSON)
    reply_as_agent(database, visitor, "Hello, this is Ada. What is it about?")

    said = visitor.see("#log .message.agent")
    expect(said.locator(".bubble")).to_have_text("Hello, this is Ada. What is it about?")
    expect(said).to_contain_text("Support team")

    visitor.see("#text").fill(USERNAME)
    with visitor.page.expect_response("**/messages"):
        visitor.see("#send").click()
    expect(visitor.see("#draft")).to_be_empty()
    assert roles(visitor) == ["creator", "bot", "agent", "creator"]
    expect(visitor.see("#log .message.bot")).to_have_count(2)
    expect(visitor.see(".unsent, .failed")).to_have_count(0)


def test_a_persons_reply_to_a_closed_chat_is_counted_on_the_button(visitor: Visitor, database: Engine) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.ask(PERSON)
    visitor.launcher.click()
    expect(visitor.panel).to_be_hidden()
    reply_as_agent(database, visitor, "Hello, this is Ada.")

    expect(visitor.launcher.locator("b")).to_have_text("1")
    expect(visitor.launcher).to_have_attribute("aria-label", "Open chat (1)")
    visitor.launcher.click()
    expect(visitor.launcher.locator("b")).to_be_empty()
    expect(visitor.see("#log .message.agent")).to_be_in_viewport()


def test_the_keyboard_alone_opens_asks_and_closes_and_focus_returns(visitor: Visitor) -> None:
    visitor.goto("/")
    keys = visitor.page.keyboard
    expect(visitor.launcher).to_be_attached()
    for _ in range(12):
        keys.press("Tab")
        if visitor.page.evaluate("document.activeElement.localName") == "callboard-widget":
            break
    expect(visitor.launcher).to_be_focused()

    keys.press("Enter")
    expect(visitor.see("#text")).to_be_focused()
    visitor.see(".chip").first.wait_for()
    keys.type(USERNAME)
    keys.press("Enter")
    expect(visitor.see("#log .message.bot").last).to_contain_text("once every 30 days")
    expect(visitor.see("#text")).to_be_focused()
    expect(visitor.see("#text")).to_have_value("")

    keys.press("Escape")
    expect(visitor.panel).to_be_hidden()
    expect(visitor.launcher).to_be_focused()
    keys.press("Enter")
    expect(visitor.panel).to_be_visible()
    expect(visitor.see("#log .message.creator")).to_have_count(1)


def test_an_allowed_site_embeds_the_chat_with_one_tag(visitor: Visitor, host: Host) -> None:
    host.body = f'<main><h1>A shop</h1></main><script async src="{visitor.site}/widget.js"></script>'
    visitor.page.goto(host.localhost)
    visitor.open_chat()

    expect(visitor.ask(USERNAME)).to_contain_text("once every 30 days")
    visitor.see("#close").click()
    expect(visitor.panel).to_be_hidden()
    expect(visitor.launcher).to_be_focused()


def test_a_site_that_is_not_allowed_cannot_frame_the_chat(visitor: Visitor, host: Host) -> None:
    visitor.foresee("frame-ancestors")
    frame = f'<iframe src="{visitor.site}/widget/chat?host={host.localhost}"></iframe>'
    host.body = f'<main><h1>A shop</h1></main>{frame}<script async src="{visitor.site}/widget.js"></script>'
    visitor.page.goto(host.loopback)
    visitor.launcher.click()

    expect(visitor.page.locator("callboard-widget iframe")).to_be_visible()
    refused = [f for f in visitor.page.frames if f.parent_frame]
    for inner in refused:
        inner.wait_for_load_state()
    assert [inner.url for inner in refused] == ["chrome-error://chromewebdata/"] * 2
    assert len([fault for fault in visitor.faults if "frame-ancestors" in fault]) == 2


def test_a_message_to_the_page_from_another_window_is_ignored(visitor: Visitor, host: Host) -> None:
    host.body = f'<a href="{visitor.site}/" target="victim" rel="opener">on</a>'
    visitor.page.goto(host.localhost)
    attacker = visitor.page
    with visitor.context.expect_page() as opened:
        attacker.evaluate(f'window.victim = window.open("{visitor.site}/")')
    visitor.page = opened.value
    visitor.open_chat()
    expect(visitor.launcher).to_have_attribute("aria-label", "Close chat")

    attacker.evaluate(
        """() => {
            victim.postMessage({callboard: 1, type: "labels", value: {close: "Forged"}}, "*");
            victim.postMessage({callboard: 1, type: "close"}, "*");
        }"""
    )
    visitor.frame.evaluate('parent.postMessage({callboard: 1, type: "labels", value: {title: "Real"}}, "*")')

    # Letters are read in their order: when the frame's own has been, the forged ones have been too.
    expect(visitor.panel).to_have_attribute("aria-label", "Real")
    expect(visitor.launcher).to_have_attribute("aria-label", "Close chat")
    expect(visitor.panel).to_be_visible()


def test_a_message_to_the_chat_from_a_frame_beside_it_is_ignored(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.page.evaluate('document.body.append(Object.assign(document.createElement("iframe"), {name: "beside"}))')
    post = """(question) => top.document.querySelector("callboard-widget").shadowRoot.querySelector("iframe")
        .contentWindow.postMessage({callboard: 1, type: "ask", value: question}, "*")"""
    beside = visitor.page.frame("beside")
    assert beside is not None

    beside.evaluate(post, "forged question")
    visitor.page.evaluate(post, USERNAME)

    expect(visitor.see("#log .message.bot").last).to_contain_text("once every 30 days")
    expect(visitor.see("#log .message.creator")).to_have_count(1)
    assert [m["text"] for m in visitor.transcript()["messages"] if m["role"] == "creator"] == [USERNAME]


def test_hostile_words_are_shown_and_never_run(visitor: Visitor, database: Engine) -> None:
    visitor.goto("/")
    visitor.open_chat()
    visitor.ask(HOSTILE)
    visitor.ask(PERSON)
    reply_as_agent(database, visitor, HOSTILE)
    expect(visitor.see("#log .message.agent")).to_have_count(1)

    for _ in ("as it came", "as it is restored"):
        assert visitor.see("#log .message.creator .bubble").first.inner_text() == HOSTILE
        assert visitor.see("#log .message.agent .bubble").inner_text() == HOSTILE
        assert_harmless(visitor)
        visitor.page.reload()
        visitor.launcher.click()
        expect(visitor.see("#log .message.agent")).to_have_count(1)


def test_hostile_markup_from_the_server_itself_loses_its_teeth(visitor: Visitor, database: Engine) -> None:
    # The browser says that it would not have run the handler; the chat does not show the element either.
    visitor.foresee("inline event handler violates")
    visitor.goto("/")
    visitor.open_chat()
    visitor.ask(PERSON)
    thread = visitor.conversation()["id"]
    with writing(database) as conn:
        markup = f"<p>Good <strong>day</strong> {HOSTILE}</p>"
        append_message(conn, Message(new_id("msg"), thread, "agent", "", 0, html=markup))

    said = visitor.see("#log .message.agent .bubble")
    expect(said.locator("strong")).to_have_text("day")
    expect(said).to_contain_text("tap")
    assert_harmless(visitor)


def assert_harmless(visitor: Visitor) -> None:
    expect(visitor.see("#log :is(img, script, iframe, [onerror], [href^='javascript'])")).to_have_count(0)
    assert [frame.evaluate("typeof window.pwned") for frame in visitor.page.frames] == ["undefined"] * 2


def test_on_a_phone_the_chat_fills_the_screen(browser: Browser, site: str) -> None:
    with visiting(browser, site, **PHONE) as visitor:
        visitor.goto("/")
        visitor.launcher.tap()
        visitor.see(".chip").first.wait_for()

        assert visitor.page.locator("callboard-widget iframe").bounding_box() == {
            "x": 0, "y": 0, "width": 390, "height": 844,
        }  # fmt: skip
        expect(visitor.launcher).to_be_hidden()
        visitor.ask(USERNAME)
        wide = "() => document.documentElement.scrollWidth"
        assert (visitor.page.evaluate(wide), visitor.frame.evaluate(wide)) == (390, 390)
        visitor.see("#close").tap()
        expect(visitor.panel).to_be_hidden()
        expect(visitor.launcher).to_be_visible()


def test_in_arabic_the_chat_reads_from_right_to_left(visitor: Visitor) -> None:
    visitor.goto("/?locale=ar")
    visitor.open_chat()
    expect(visitor.see("html")).to_have_attribute("dir", "rtl")
    expect(visitor.see("html")).to_have_attribute("lang", "ar")
    expect(visitor.see("#title")).to_have_text("المساعدة")
    expect(visitor.see("#text")).to_have_attribute("placeholder", re.compile(r"[\u0600-\u06ff]"))

    answer = visitor.ask("أريد التحدث إلى شخص")
    expect(visitor.see(".ticket")).to_have_count(1)
    mine, theirs = visitor.see("#log .creator .bubble").bounding_box(), answer.locator(".bubble").bounding_box()
    assert mine is not None
    assert theirs is not None
    assert mine["x"] < theirs["x"]
    assert visitor.transcript()["locale"] == "ar"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_on_the_front_page_nor_in_the_chat(browser: Browser, site: str, scheme: str) -> None:
    with visiting(browser, site, color_scheme=scheme) as visitor:
        visitor.goto("/")
        expect(visitor.launcher).to_be_visible()
        assert barriers(visitor.page) == []
        visitor.open_chat()
        visitor.ask(USERNAME)
        visitor.ask(UNANSWERED)
        visitor.see("#talk").wait_for()
        assert barriers(visitor.page) == []
        assert barriers(visitor.frame) == []


def test_a_known_issue_and_a_typing_person_show_while_they_last(visitor: Visitor) -> None:
    issue = {"id": "notices/uploads", "title": "Uploads fail", "text": "We are on it.", "affects": []}
    sent = {"typing": {"role": "agent", "typing": True}, "notice": issue | {"state": "started"}}

    def stream(route: Route) -> None:
        body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in sent.items())
        route.fulfill(content_type="text/event-stream", body=body)

    visitor.page.route("**/events", stream)
    visitor.goto("/")
    visitor.open_chat()
    visitor.ask(USERNAME)

    expect(visitor.see("#notices .notice")).to_have_count(1)
    expect(visitor.see("#notices .notice")).to_contain_text("Uploads fail We are on it.")
    expect(visitor.see("#waiting")).not_to_be_empty()

    sent |= {"typing": {"role": "agent", "typing": False}, "notice": issue | {"state": "ended"}}
    expect(visitor.see("#notices .notice")).to_have_count(0)
    expect(visitor.see("#waiting")).to_be_empty()
