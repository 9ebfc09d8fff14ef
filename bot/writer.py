"""What writing with a language model takes: the model, its prompts, its budget. Knows no article and no reply."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from bot.budget import Budget, Refused
from bot.ground import Glue
from bot.llm import Model, ModelFailed
from bot.prompts import Messages, Prompts


class Unwritten(Exception):
    """The model failed or may not be asked now. Whoever asked has something to say without it."""


@dataclass(frozen=True, slots=True)
class Writer:
    """`count` is told how each task ended: `answer written`, `rewrite failed`, `translate refused day` …"""

    model: Model
    prompts: Prompts
    glue: Mapping[str, Glue]
    budget: Budget
    count: Callable[[str], None]

    def stream(self, task: str, conversation: str, messages: Messages) -> Generator[str, None, None]:
        """What the model writes, as it comes; Unwritten when it ends too early or does not begin."""
        with self._spent(task, conversation):
            yield from self.model.stream(messages)

    def complete(self, task: str, conversation: str, messages: Messages) -> str:
        """All that the model writes, or Unwritten."""
        with self._spent(task, conversation):
            return self.model.complete(messages)

    @contextmanager
    def _spent(self, task: str, conversation: str) -> Iterator[None]:
        try:
            with self.budget.spend(conversation):
                yield
        except Refused as refused:
            self.count(f"{task} refused {refused}")
            raise Unwritten(str(refused)) from refused
        except ModelFailed as failed:
            self.count(f"{task} failed")
            raise Unwritten(str(failed)) from failed
