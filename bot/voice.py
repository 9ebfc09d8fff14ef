"""Puts a decision into words: the Reply for each kind, in the creator's language. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bot.compose import TWO_PART_BUDGET, Draft, compose_answer
from bot.judge import Judgement
from bot.library import Library
from bot.phrases import Phrases
from bot.reply import Flag, Handover, Kind, Option, Reply
from bot.trace import trace_search
from handoff.policy import Policies, Priority
from handoff.ticket import Reason
from kb.article import Article
from kb.render import render_html

NEAREST = 3
SUGGESTED = 4
PRIORITY: dict[str, Priority] = {"P0": "urgent", "P1": "urgent", "P2": "high"}
SAID = {
    "hello": "hello",
    "thanks": "thanks",
    "goodbye": "goodbye",
    "about": "capable",
    "off_topic": "off_topic",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaks one language about one revision, at one moment (`now`, seconds since the epoch)."""

    phrases: Phrases
    policies: Policies
    library: Library | None
    now: float
    id: str

    def emergency(self, flag: Flag, judged: Judgement | None = None) -> Reply:
        """P0 and P1: fixed reviewed words and a person; no article beside them, also where one was found."""
        text = self.phrases.say(f"safety.{flag.category}.{flag.severity}")
        return self._reply(
            "handover",
            [self._piece(text)],
            safety=flag,
            handover=self._handover("safety", None, flag, None),
            weighed=_weighed([judged], []),
        )

    def answer(self, chosen: Sequence[Judgement], flag: Flag | None) -> Reply:
        drafts, pieces, number = [], list[tuple[str, str]](), 1
        for judged in chosen:
            draft = self._draft(judged, number, len(chosen))
            number += len(draft.citations)
            drafts.append(draft)
            pieces += draft.sentences
        articles = [j.article for j in chosen if j.article]
        if any(a.locale.split("-")[0] != self.phrases.locale for a in articles):
            pieces.insert(0, self._piece(self.phrases.say("english_only")))
        if flag:
            pieces.append(self._piece(self.phrases.say(f"safety.{flag.category}.P3")))
        return self._reply(
            "answer",
            pieces,
            drafts=drafts,
            confidence=min(j.right for j in chosen),
            safety=Flag(flag.category, "P3") if flag else None,
            options=tuple(option for article in articles for option in self._ask_person(article)),
            notices=self._notices(articles),
            degraded=any(j.found.degraded for j in chosen),
            weighed=_weighed(chosen, drafts),
        )

    def small_talk(self, intent: str, judged: Judgement | None = None) -> Reply:
        kind: Kind = "clarify" if intent == "gibberish" else "smalltalk"
        text = self.phrases.say(SAID.get(intent, intent))
        wants = intent not in ("thanks", "goodbye")
        return self._reply(
            kind,
            [self._piece(text)],
            suggestions=suggest_titles(self.library, self.phrases.locale) if wants else (),
            degraded=bool(judged and judged.found.degraded),
            weighed=_weighed([judged], []),
        )

    def clarify(self, judged: Judgement, flag: Flag | None) -> Reply:
        near = self._near(judged)
        options = tuple(Option(article.title, article.title) for article in near)
        pieces = [self._piece(self.phrases.say("clarify"))]
        return self._reply(
            "clarify",
            pieces,
            options=options,
            safety=flag,
            confidence=judged.right,
            degraded=judged.found.degraded,
            weighed=_weighed([judged], []),
        )

    def hand_over(
        self,
        reason: Reason,
        judged: Judgement | None = None,
        safety: Flag | None = None,
        *,
        steps: bool = False,
    ) -> Reply:
        """What was found, what was not, and a person. With `steps`, the article's safe steps follow the fixed text."""
        pieces = [self._piece(self._why(reason, judged, safety))]
        suggested = self._draft(judged, 1, 1) if judged and judged.article and self.library else None
        if steps and suggested:
            pieces += [self._piece(self.phrases.say("safe_steps")), *suggested.sentences]
        articles = [judged.article] if judged and judged.article else []
        return self._reply(
            "handover",
            pieces,
            drafts=[suggested] if steps and suggested else (),
            confidence=judged.right if judged else 0.0,
            safety=safety,
            handover=self._handover(reason, judged, safety, suggested),
            notices=self._notices(articles) if reason != "asked_for_human" else (),
            degraded=bool(judged and judged.found.degraded),
            weighed=_weighed([judged], [suggested] if suggested else []),
        )

    def _why(self, reason: Reason, judged: Judgement | None, flag: Flag | None) -> str:
        if flag and flag.severity == "P2":
            return self.phrases.say(f"safety.{flag.category}.P2")
        if reason == "asked_for_human":
            return self.phrases.say("human_asked")
        near = self._near(judged) if judged else []
        if not near:
            return self.phrases.say("handover_none")
        links = ", ".join(f"[{_plain(a.title)}](<kb:{a.id}>)" for a in near)
        return self.phrases.say("handover_found", articles=links)

    def _draft(self, judged: Judgement, first: int, of: int) -> Draft:
        if judged.article is None or self.library is None:
            raise ValueError("nothing was found to answer from")
        article = judged.article
        ranked = self.library.index.rank_sections(article.id, article.locale, judged.found)
        budget = {} if of == 1 else {"budget": TWO_PART_BUDGET}
        return compose_answer(judged.article, ranked, self.library.revision, first, **budget)

    def _near(self, judged: Judgement) -> list[Article]:
        found = [judged.article, *judged.rivals] if judged.article else []
        return [a for a in found if a][:NEAREST]

    def _ask_person(self, article: Article) -> tuple[Option, ...]:
        """An article may name the case that only a person can solve; a tap then asks for one."""
        asks = (article.meta.get("handoff") or {}).get("ask")
        return (Option(str(asks), f"{self.phrases.say('ui.talk')}: {asks}"),) if asks else ()

    def _handover(
        self, reason: Reason, judged: Judgement | None, flag: Flag | None, suggested: Draft | None
    ) -> Handover:
        article = judged.article if judged else None
        wanted = (article.meta.get("handoff") or {}).get("queue") if article else None
        queue = self.policies.queue_for(wanted, flag.category if flag and flag.severity != "P3" else None)
        priority = PRIORITY.get(flag.severity, "normal") if flag else "normal"
        return Handover(queue, priority, reason, _evidence(judged, suggested))

    def _notices(self, articles: Sequence[Article | None]) -> tuple[dict[str, str], ...]:
        ids = {article.id for article in articles if article}
        return self.library.notices_for(ids, self.now) if self.library else ()

    def _piece(self, text: str) -> tuple[str, str]:
        html = render_html(text, self.phrases.locale).strip()
        return text, html

    def _reply(
        self, kind: Kind, pieces: Sequence[tuple[str, str]], drafts: Sequence[Draft] = (), **values: object
    ) -> Reply:
        shown = tuple((text.replace("](<kb:", f"](</help/{self.phrases.locale}/"), html) for text, html in pieces)
        return Reply(
            id=self.id,
            kind=kind,
            locale=self.phrases.locale,
            text="\n\n".join(text for text, _ in shown),
            html="\n".join(html for _, html in shown),
            revision=self.library.revision if self.library else "",
            citations=tuple(citation for draft in drafts for citation in draft.citations),
            sentences=shown,
            **values,  # type: ignore[arg-type]
        )


def suggest_titles(library: Library | None, locale: str) -> tuple[str, ...]:
    """One article's title of each of the largest categories, so that a creator sees what can be asked."""
    if library is None:
        return ()
    language = locale if any(lang == locale for lang, _ in library.articles) else "en"
    shelves: dict[str, list[Article]] = {}
    for (lang, id), article in sorted(library.articles.items()):
        if lang == language:
            shelves.setdefault(id.split("/")[0], []).append(article)
    largest = sorted(shelves.values(), key=len, reverse=True)[:SUGGESTED]
    return tuple(max(shelf, key=lambda a: len(a.questions)).title for shelf in largest)


def _weighed(searches: Sequence[Judgement | None], drafts: Sequence[Draft]) -> tuple[dict[str, object], ...]:
    cited = [citation for draft in drafts for citation in draft.citations]
    return tuple(trace_search(judged, cited) for judged in searches if judged)


def _evidence(judged: Judgement | None, suggested: Draft | None) -> dict[str, object]:
    """What a person may answer with, and what it rests on."""
    if judged is None:
        return {}
    citations = suggested.citations if suggested else ()
    return {
        "passages": trace_search(judged, citations)["passages"],
        "suggested": "\n\n".join(text for text, _ in suggested.sentences) if suggested else "",
        "citations": [asdict(citation) for citation in citations],
        "right": round(judged.right, 4),
    }


def _plain(title: str) -> str:
    return title.replace("[", "(").replace("]", ")")
