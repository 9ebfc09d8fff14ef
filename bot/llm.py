"""Asks a language model through LangChain, within deadlines of our own; knows neither articles nor replies.

The only file that knows LangChain's chat models. Each model has one event loop on a thread of its own: cancelling there
closes the connection, so that a server that hangs, drips or only pings holds nothing after its time.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import aclosing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from bot.prompts import Messages

log = logging.getLogger(__name__)
MAX_CHARS = 6000
RETRY_AFTER = 0.25
GRACE = 1.0
FINISHED = {"stop", "end_turn", "stop_sequence"}
REASONS = ("finish_reason", "stop_reason", "done_reason")
EXTRAS = ("openai", "anthropic", "ollama")

Work = Callable[[Callable[[str], None], float], Coroutine[Any, Any, None]]
"""Given where to put text and the moment (on the loop's clock) by which it has to be there, asks the model once."""


class ModelMissing(ValueError):
    """The model cannot be used at all: an unknown provider, its package or its key missing."""


class ModelFailed(Exception):
    """The model was asked and gave nothing to build on; the message is short and holds no text of the creator's."""

    def __init__(self, why: str, *, again: bool = False) -> None:
        super().__init__(why)
        self.again = again


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds from asking to the first token, from one token to the next, and to the last one (retry included)."""

    first: float
    between: float
    total: float


class Model(Protocol):
    """A language model. Both raise ModelFailed."""

    name: str

    def stream(self, messages: Messages) -> Generator[str, None, None]: ...

    def complete(self, messages: Messages) -> str: ...

    def close(self) -> None: ...


class ChatModel:
    """A LangChain chat model named `provider:model`. Close it to end its thread."""

    def __init__(self, chat: Any, name: str, deadlines: Deadlines) -> None:
        self.name = name
        self._chat, self._deadlines = chat, deadlines
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="llm")
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(GRACE)

    def stream(self, messages: Messages) -> Generator[str, None, None]:
        """The answer as it comes, in pieces of any size. Ends normally only if the model said that it was done."""
        yield from self._run(lambda put, end: self._pump(messages, put, end))

    def complete(self, messages: Messages) -> str:
        """The whole answer, asked for without streaming."""
        return "".join(self._run(lambda put, end: self._fetch(messages, put, end)))

    def _run(self, work: Work) -> Generator[str, None, None]:
        told: SimpleQueue[str | ModelFailed | None] = SimpleQueue()
        future = asyncio.run_coroutine_threadsafe(self._guarded(work, told.put), self._loop)
        try:
            while (piece := told.get(timeout=self._deadlines.total + GRACE)) is not None:
                if isinstance(piece, ModelFailed):
                    raise piece
                yield piece
        except Empty:  # the loop itself is stuck
            raise ModelFailed("late") from None
        finally:
            future.cancel()

    async def _guarded(
        self,
        work: Work,
        put: Callable[[str | ModelFailed | None], None],
    ) -> None:
        """One retry for what may pass by itself, if nothing was shown yet and there is time."""
        end = asyncio.get_running_loop().time() + self._deadlines.total
        said = 0

        def count(text: str) -> None:
            nonlocal said
            said += len(text)
            if said > MAX_CHARS:
                raise ModelFailed("too long")
            put(text)

        for last in (False, True):
            try:
                await work(count, end)
                if not said:
                    raise ModelFailed("empty")
                put(None)
                return
            except Exception as error:  # a provider's client may raise anything
                failed = _failure(error)
                if last or said or not failed.again or end - asyncio.get_running_loop().time() < 2 * RETRY_AFTER:
                    log.warning("%s failed: %s", self.name, failed)
                    put(failed)
                    return
            await asyncio.sleep(RETRY_AFTER)

    async def _pump(self, messages: Messages, put: Callable[[str], None], end: float) -> None:
        loop, reason = asyncio.get_running_loop(), ""
        limit = min(end, loop.time() + self._deadlines.first)
        async with aclosing(self._chat.astream(messages)) as chunks:
            while True:
                async with asyncio.timeout_at(limit):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                reason = _reason(chunk) or reason
                # Pings and empty pieces are no tokens and buy no time.
                if text := str(chunk.text):
                    put(text)
                    limit = min(end, loop.time() + self._deadlines.between)
        _whole(reason)

    async def _fetch(self, messages: Messages, put: Callable[[str], None], end: float) -> None:
        async with asyncio.timeout_at(end):
            message = await self._chat.ainvoke(messages)
        _whole(_reason(message))
        if text := str(message.text):
            put(text)


def open_model(name: str, deadlines: Deadlines) -> ChatModel:
    """`provider:model` as LangChain's `init_chat_model` takes it; addresses and keys come from the provider's own
    environment variables (OPENAI_BASE_URL, OPENAI_API_KEY …). ModelMissing says what is to be done."""
    from langchain.chat_models import init_chat_model

    provider = name.split(":")[0]
    try:
        chat = init_chat_model(name, timeout=deadlines.total, max_retries=0)
    except ImportError as error:
        extra = f"callboard[{provider}]" if provider in EXTRAS else f"langchain-{provider.replace('_', '-')}"
        raise ModelMissing(f"the package for {provider} is not installed; pip install '{extra}'") from error
    except Exception as error:  # each provider's client has its own
        raise ModelMissing(str(error).strip().splitlines()[0]) from error
    return ChatModel(chat, name, deadlines)


def _reason(message: Any) -> str:
    found = (message.response_metadata.get(key) for key in REASONS)
    return next((str(reason).lower() for reason in found if reason), "")


def _whole(reason: str) -> None:
    if reason not in FINISHED:
        raise ModelFailed(f"cut off ({reason or 'no end'})")


def _failure(error: Exception) -> ModelFailed:
    if isinstance(error, ModelFailed):
        return error
    if isinstance(error, TimeoutError):
        return ModelFailed("late")
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return ModelFailed(f"HTTP {status}", again=status in (408, 409, 429) or status >= 500)
    return ModelFailed(type(error).__name__, again="Connection" in type(error).__name__)
