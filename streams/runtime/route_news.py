"""Telling how a route does, to those who run slackwater: in the log, and in a message when it is broken and the default
route takes over."""

import logging
from hashlib import blake2b

from alerting.delivery.answers import Verdict
from alerting.notification import Notice
from alerting.outbox import RouteStatus
from alerting.routing import Route

log = logging.getLogger(__name__)


def log_change(verdict: Verdict, before: RouteStatus, after: RouteStatus) -> None:
    """Write it to the log where an answer made it another: that a route is limited now and then is no news."""
    if verdict is Verdict.DELIVERED and before.failing_since is not None:
        log.info("the route %s works again", after.route)
    elif verdict is Verdict.ROUTE_BROKEN:
        log.error("the route %s takes no message, until somebody mends it: %s", after.route, after.last)
    elif verdict is not Verdict.RATE_LIMITED and after.failing_since is not None and before.failing_since is None:
        log.warning("the route %s does not get through, and tries again: %s", after.route, after.last)


def notice(status: RouteStatus, route: Route, *, to: str, at: int, timezone: str) -> Notice:
    """The message about `route`, of this `status`, to the route `to`. `at`: when it was found broken, in ms."""
    named = f"{status.route}/{at}"
    return Notice(
        route=to,
        timezone=timezone,
        notice_id=blake2b(named.encode(), digest_size=8).hexdigest(),
        title="Route broken",
        where=f"route {status.route}",
        text=(
            f"The channel {route.channel} takes no message of the route {status.route}: {status.last}. "
            f"Its messages come here. One of them is tried there now and then, so that the route goes on when it works."
        ),
        advice=(
            f"Mend the channel {route.channel}: its webhook may be gone, its Slack channel archived, its token revoked "
            "or its certificate out of date. A worker reads new addresses and tokens when it starts."
        ),
        at=at,
    )
