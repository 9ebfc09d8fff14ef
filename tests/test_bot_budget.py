from __future__ import annotations

import pytest

from bot.budget import DAY, Budget, Limits, Refused

LIMITS = Limits(per_conversation=3, per_day=5, at_once=2, failures=2, pause=30.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def use(budget: Budget, conversation: str = "", error: Exception | None = None) -> None:
    with budget.spend(conversation):
        if error:
            raise error


def fail(budget: Budget) -> None:
    with pytest.raises(OSError, match="down"):
        use(budget, error=OSError("down"))


def refused(budget: Budget, conversation: str = "") -> str:
    with pytest.raises(Refused) as found:
        use(budget, conversation)
    return str(found.value)


def test_a_conversation_and_a_day_have_their_number_of_calls(clock: Clock) -> None:
    budget = Budget(LIMITS, clock)
    for _ in range(3):
        use(budget, "a")
    assert refused(budget, "a") == "conversation"
    use(budget, "b")
    use(budget)
    assert refused(budget, "b") == "day"
    clock.now = DAY
    assert refused(budget, "a") == "conversation"
    use(budget, "b")


def test_failures_in_a_row_open_the_breaker_and_one_call_tries_whether_it_is_over(clock: Clock) -> None:
    budget = Budget(Limits(99, 99, at_once=2, failures=2, pause=30.0), clock)
    fail(budget)
    use(budget)
    fail(budget)
    fail(budget)
    assert refused(budget) == "open"
    clock.now = 29.9
    assert refused(budget) == "open"
    clock.now = 30.1
    with budget.spend(""):
        assert refused(budget) == "open"
    use(budget)
    fail(budget)
    fail(budget)
    clock.now = 61
    fail(budget)
    assert refused(budget) == "open"


def test_only_so_many_wait_at_once_and_a_place_is_given_back_however_it_ends(clock: Clock) -> None:
    budget = Budget(LIMITS, clock)
    with budget.spend(""), budget.spend(""):
        assert refused(budget) == "busy"
    with pytest.raises(KeyboardInterrupt), budget.spend(""):
        raise KeyboardInterrupt
    with budget.spend(""), budget.spend(""):
        pass
