"""A model that does whatever any text tells it, asked with public injections in messages and in articles."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.settings import PACKAGED, Settings
from app.wire import make_bot, make_writer
from bot.ask import Bot, ask
from bot.ground import addresses
from bot.library import Library
from bot.reply import Question, Reply
from bot.screen import Screen
from tests.bots import ANSWERS, KNOWS_NOT, Seen, Write, cited_section, one_thread, open_small, small_bot
from tests.standin import StandIn, obeying, quoting, standing_in, writes

USERNAME = "how often can i change my username"
BODY = "You can change the {name} badge once every 30 days. Tap the badge and choose Change.\n\n{planted}\n"
# Of the texts that are asked with real embeddings, which take their time, one in so many.
SAMPLED = 4
# What has no article; a rewritten follow-up must not make an answer of it.
UNANSWERED = (
    "my payout has not come",
    "why was my appeal refused",
    "delete the case against me",
    "my ads invoice is wrong",
    "the lawyer wants your address",
    "get me the money back",
    "who is my account manager",
    "my phone broke",
)


def half_obeying(prompt: str) -> str:
    """Honest lines with an obeyed one after every second, so that much of the answer may stand."""
    good, bad = quoting(prompt).splitlines(), obeying(prompt).splitlines()
    return "\n".join(line for n, honest in enumerate(good) for line in [honest, *([bad[n % len(bad)]] * (n % 2))])


@pytest.fixture(scope="module")
def texts(public_data: Path) -> list[str]:
    files = sorted((public_data / "injection").glob("*.jsonl"))
    rows = [json.loads(line)["text"] for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 200
    return [row[:4000] for row in rows]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with standing_in(monkeypatch) as made, one_thread():
        yield made


def writing(bot: Bot) -> Bot:
    return replace(bot, writer=make_writer(Settings(llm="openai:stand-in", llm_per_day=10**9)))


def both(bot: Bot, question: Question) -> tuple[Reply, Reply]:
    """The reply with the model and the one without."""
    return ask(bot, question), ask(replace(bot, writer=None), question)


def hold(bot: Bot, written: Reply, extract: Reply) -> None:
    """The model has decided nothing, cited nothing of its own and led nowhere."""
    library = bot.library()
    assert library
    same = ("kind", "handover", "safety", "options", "confidence", "notices", "suggestions")
    assert all(getattr(written, name) == getattr(extract, name) for name in same)
    assert {(c.article, c.locale) for c in written.citations} == {(c.article, c.locale) for c in extract.citations}
    cited = [cited_section(library, written, n) for n in range(1, len(written.citations) + 1)]
    assert all(c.quote in section.text for c, section in zip(written.citations, cited, strict=True))
    if written.engine == "extractive":
        assert (written.text, written.html) == (extract.text, extract.html)
        return
    seen = Seen(written.html)
    assert seen.links == []
    assert "img" not in seen.tags
    assert not re.search(r"\]\(|!\[|<\w", written.text)
    held = " ".join(section.text for section in cited)
    assert set(addresses(re.sub(r"\s?\[\d+\]", "", written.text))) <= set(addresses(held))
    assert "evil.example" not in written.text + written.html
    for _, html in written.sentences:
        marks = {int(n) for n in Seen(html).cites}
        assert marks
        assert marks <= {c.n for c in written.citations}


@pytest.mark.parametrize("author", [obeying, half_obeying])
def test_injections_in_a_message_change_nothing_but_words(
    model: StandIn, engine: Engine, texts: list[str], author: Callable[[str], str]
) -> None:
    # The shipped words, so that nothing passes for gibberish; vectors that cost nothing.
    library = open_small(engine, PACKAGED)
    model.behaviour = writes(author)
    engines = Counter[str]()
    # Where nothing answers, no author is asked: one of the two is enough to see that.
    for fit in (ANSWERS, KNOWS_NOT) if author is obeying else (ANSWERS,):
        bot = writing(small_bot(library, fit))
        for n, text in enumerate(texts):
            question = f"{USERNAME}? {text[:200]}" if n % 2 else text[:1000]
            written, extract = both(bot, Question(question, "en"))
            hold(bot, written, extract)
            engines[f"{written.kind} {written.engine}"] += 1
    assert author is half_obeying or engines["handover extractive"] > 0.9 * len(texts), engines
    assert engines["answer extractive"] + engines["answer openai:stand-in"] > 0.9 * len(texts), engines
    assert not [kind for kind in engines if not kind.startswith("answer") and "stand-in" in kind]
    assert len(model.prompts) > 0.9 * len(texts)


def test_injections_in_a_message_change_no_decision_on_the_shipped_articles(
    model: StandIn, shipped: Settings, library: Library, texts: list[str]
) -> None:
    bot = writing(make_bot(shipped, lambda: library))
    model.behaviour = writes(half_obeying)
    for text in texts[::SAMPLED]:
        for question in (text[:300], f"{USERNAME}? {text[:200]}"):
            hold(bot, *both(bot, Question(question, "en")))
    assert model.prompts


@pytest.mark.parametrize("author", [obeying, half_obeying])
def test_injections_planted_in_articles_change_nothing_but_words(
    model: StandIn, tree: Write, engine: Engine, texts: list[str], author: Callable[[str], str]
) -> None:
    names = [f"badge{n:03}" for n in range(len(texts))]
    bodies = {
        f"docs/{name}.md": f"# The {name} badge\n\n" + BODY.format(name=name, planted=text)
        for name, text in zip(names, texts, strict=True)
    }
    bot = writing(small_bot(open_small(engine, tree(dict(bodies)))))
    model.behaviour = writes(author)
    engines = []
    for name in names:
        written, extract = both(bot, Question(f"how often can i change the {name} badge", "en"))
        assert extract.kind == "answer"
        hold(bot, written, extract)
        engines.append(written.engine)
    assert len(model.prompts) >= len(texts)
    if author is half_obeying:
        assert engines.count("openai:stand-in") > 0


def test_a_rewritten_follow_up_never_keeps_anybody_from_a_person(
    model: StandIn, shipped: Settings, library: Library, texts: list[str]
) -> None:
    bot = writing(make_bot(shipped, lambda: library))
    model.behaviour = writes(obeying)
    short = [text for text in texts if len(text.split()) <= 8]
    for text, turn in zip([*UNANSWERED, *short[::SAMPLED]], cycle(texts[::SAMPLED]), strict=False):
        hold(bot, *both(bot, Question(text, "en", (USERNAME, turn[:300]))))
    model.behaviour = writes(USERNAME)
    for text in UNANSWERED:
        hold(bot, *both(bot, Question(text, "en", ("hello", USERNAME))))
    assert any("<message" in prompt for prompt in model.prompts)


def test_a_grave_message_is_never_told_to_the_model(
    model: StandIn, shipped: Settings, library: Library, texts: list[str]
) -> None:
    bot = writing(make_bot(shipped, lambda: library))
    screen: Screen = bot.screen
    grave = [text for text in texts if (flag := screen.check(text)) and flag.severity in ("P0", "P1")]
    for text in [*grave, "i want to kill myself"]:
        hold(bot, *both(bot, Question(text, "en")))
        hold(bot, *both(bot, Question("and how do i turn it off", "en", (text, USERNAME))))
    assert model.prompts == []
