"""A token bucket as one number: the generic cell rate algorithm (GCRA, ITU-T I.371), in milliseconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """At most `burst` messages at once, and one every `interval_ms` in the long run. An interval of 0 limits nothing.

    In any span of t milliseconds at most `burst + t / interval_ms` messages pass. The state, kept by the caller, is the
    moment at which the bucket is full again (0 at first).

    >>> bucket = Bucket(interval_ms=1_000, burst=2)
    >>> full_at = bucket.take(0, now=10_000)
    >>> bucket.ready_at(full_at), bucket.ready_at(bucket.take(full_at, now=10_000))
    (10000, 11000)
    """

    interval_ms: int
    burst: int

    def __post_init__(self) -> None:
        if self.interval_ms < 0 or self.burst < 1:
            raise ValueError("a bucket needs interval_ms >= 0 and burst >= 1")

    def ready_at(self, full_at: int) -> int:
        """The earliest moment at which the next message may go (it may lie in the past)."""
        return full_at - (self.burst - 1) * self.interval_ms

    def take(self, full_at: int, now: int) -> int:
        """The state after a message has gone at `now`."""
        return max(full_at, now) + self.interval_ms
