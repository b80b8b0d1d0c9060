"""What a check has found: how it stands, what that means, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How it stands."""

    OK = "ok"
    WARNING = "warning"
    """A worker starts; somebody should have a look."""
    FAILURE = "failure"
    """A worker does not start, or loses something."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`check`: the group that it belongs to; `subject`: what it is about, such as a topic. `text`: how it is, and what
    that means. `remedy`: what to do, where there is anything. `values`: the same for programs. No secret is in it."""

    check: str
    level: Level
    text: str
    remedy: str = ""
    subject: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "check": self.check,
            "subject": self.subject or None,
            "level": self.level.value,
            "text": self.text,
            "remedy": self.remedy or None,
            "values": dict(self.values),
        }


@dataclass(frozen=True, slots=True)
class Findings:
    """Makes the findings of one group."""

    check: str

    def ok(self, text: str, subject: str = "", **values: Any) -> Finding:
        """It is as it has to be."""
        return Finding(self.check, Level.OK, text, "", subject, values)

    def warning(self, text: str, remedy: str, subject: str = "", **values: Any) -> Finding:
        """Somebody should have a look."""
        return Finding(self.check, Level.WARNING, text, remedy, subject, values)

    def failure(self, text: str, remedy: str, subject: str = "", **values: Any) -> Finding:
        """It does not work."""
        return Finding(self.check, Level.FAILURE, text, remedy, subject, values)


def failed(findings: list[Finding]) -> bool:
    """Whether one of them is a failure."""
    return any(each.level is Level.FAILURE for each in findings)
