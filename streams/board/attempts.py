"""How often somebody may try to log in. Pure: seconds come in as an argument."""

from collections import OrderedDict
from typing import Final

MOST: Final = 5
"""Failed logins from one address ..."""
WITHIN: Final = 60.0
"""... in so many seconds, after which it has to wait until the first of them is as long ago."""
_ADDRESSES: Final = 10_000


class Attempts:
    """Failed logins, by address. Of those beyond 10,000 addresses the ones longest ago are forgotten."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Seconds that the address has to wait before it may try; 0: none."""
        failed = [at for at in self._failed.get(address, ()) if now - at < WITHIN]
        return failed[0] + WITHIN - now if len(failed) >= MOST else 0.0

    def fail(self, address: str, now: float) -> None:
        """A login from there has failed."""
        failed = [at for at in self._failed.pop(address, ()) if now - at < WITHIN]
        self._failed[address] = [*failed, now][-MOST:]
        if len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)

    def succeed(self, address: str) -> None:
        """A login from there has succeeded: what failed before no longer counts."""
        self._failed.pop(address, None)
