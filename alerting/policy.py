"""How patient delivery is: waits, limits, and the jitter in them. Times in milliseconds."""

from dataclasses import dataclass, field

from alerting.bucket import Bucket

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What the outbox goes by; the defaults are those of Slack's limits and of alerting practice.

    `give_up`: how long a notification may wait for a route that fails. `first_wait`, `longest_wait`: back-off after a
    failure. `limited_wait`: least wait after a 429 that does not say how long. `first_probe`, `longest_probe`: how
    often a broken route is tried. `patience`: how long one message may fail before others are let past it.
    `set_aside`: how long it is left alone then. `bucket`: of a channel, whichever routes it has: Slack takes one
    message a second per webhook, and short bursts (https://docs.slack.dev/apis/web-api/rate-limits).
    """

    give_up: int = 24 * HOUR
    first_wait: int = 1 * SECOND
    longest_wait: int = 5 * MINUTE
    limited_wait: int = 30 * SECOND
    first_probe: int = 5 * MINUTE
    longest_probe: int = 1 * HOUR
    patience: int = 15 * MINUTE
    set_aside: int = 10 * MINUTE
    bucket: Bucket = field(default_factory=lambda: Bucket(interval_ms=1 * SECOND, burst=3))

    def back_off(self, failures: int, draw: float) -> int:
        """Wait after `failures` failures in a row: exponential with full jitter, `draw` being uniform in [0, 1).

        Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

        >>> DeliveryPolicy().back_off(3, 0.5)
        2000
        """
        return int(_doubled(self.first_wait, failures, self.longest_wait) * draw)

    def probe_wait(self, probes: int) -> int:
        """Wait before a broken route is tried again, after it was found broken `probes` times in a row."""
        return _doubled(self.first_probe, probes, self.longest_probe)


def _doubled(first: int, times: int, longest: int) -> int:
    # The exponent is bounded: after a month of failures 2**times would be a number of thousands of digits.
    return min(longest, first << min(times - 1, 32))
