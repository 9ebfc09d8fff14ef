from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from handoff.policy import PRIORITIES, SHIPPED, PolicyError, read_policies

QUEUES = """
default: general
queues: {general: {title: General, procedure: Read it.}, safety: {title: Safety, procedure: Read first.}}
safety: {self_harm: safety}
"""
ROW = "{first_reply: 10, next_reply: 20, resolution: 30}"
SLA = "\n".join(f"{name}: {ROW}" for name in PRIORITIES)


def folder(tmp_path: Path, queues: str = QUEUES, sla: str = SLA) -> Path:
    (tmp_path / "queues.yaml").write_text(queues, encoding="utf-8")
    (tmp_path / "sla.yaml").write_text(sla, encoding="utf-8")
    return tmp_path


def test_the_shipped_policies_can_be_read_and_name_a_procedure_for_every_queue() -> None:
    policies = read_policies()
    assert all(queue.procedure and queue.title for queue in policies.queues.values())
    assert set(policies.targets) == {"urgent", "high", "normal", "low"}
    minutes = [policies.targets[priority].first_reply for priority in PRIORITIES]
    assert minutes == sorted(minutes)


def test_a_safety_category_wins_over_the_queue_an_article_asks_for(tmp_path: Path) -> None:
    policies = read_policies(folder(tmp_path))
    assert policies.queue_for("general", "self_harm") == "safety"
    assert policies.queue_for("safety", None) == "safety"
    assert policies.queue_for("no such queue", "no such category") == "general"


@pytest.mark.parametrize("name", ["queues.yaml", "sla.yaml"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a: [", id="not YAML"),
        pytest.param(b"- a\n- b\n", id="a list"),
        pytest.param(b"\xff\xfe\x00", id="not text"),
        pytest.param(b"default: general\n", id="entries missing"),
    ],
)
def test_a_policy_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (folder(tmp_path) / name).write_bytes(content)
    with pytest.raises(PolicyError, match=name):
        read_policies(tmp_path)


@pytest.mark.parametrize("name", ["queues.yaml", "sla.yaml"])
def test_a_policy_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    with pytest.raises(PolicyError, match=name):
        read_policies(tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("default: general", "default: sales", "no such queue: sales"),
        ("self_harm: safety", "self_harm: nobody", "no such queue: nobody"),
        ("default: general", "", "'default' is missing"),
        ("title: General, ", "", "title"),
        ("title: General,", "title: General, colour: red,", "colour"),
        ("{self_harm: safety}", "[self_harm]", "queues.yaml"),
    ],
)
def test_a_wrong_entry_of_the_queues_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in QUEUES
    with pytest.raises(PolicyError, match=said) as failed:
        read_policies(folder(tmp_path, queues=QUEUES.replace(before, after)))
    assert "queues.yaml" in str(failed.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("urgent", "urgnet", "'urgent' is missing"),
        ("next_reply: 20", "next_answer: 20", "next_answer"),
        ("resolution: 30", "resolution: soon", "urgent: resolution must be a whole number of minutes, not 'soon'"),
        ("resolution: 30", "resolution: -1", "not -1"),
        ("resolution: 30", "resolution: true", "not True"),
        (ROW, "10", "sla.yaml"),
    ],
)
def test_a_wrong_entry_of_the_targets_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in SLA
    with pytest.raises(PolicyError, match=said) as failed:
        read_policies(folder(tmp_path, sla=SLA.replace(before, after, 1)))
    assert "sla.yaml" in str(failed.value)
