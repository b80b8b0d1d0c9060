"""What a channel answered, and what that means for the message and for its route.

Pure: a table. The statuses and body codes are those of Slack's incoming webhooks
(https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks) and of its Web API
(https://docs.slack.dev/reference/methods/chat.postMessage), which refuses with status 200. Among the refusals a body
code says more than its status, so it is looked at first.
"""

from dataclasses import dataclass
from enum import StrEnum

from alerting.message import Receipt


class Failure(StrEnum):
    """Why there is no whole answer to judge."""

    TIMEOUT = "timeout"
    """Not answered, or not to the end, within the channel's time."""
    CONNECTION = "connection_error"
    """Not resolved, refused, reset, or broken off in the middle of the answer."""
    TLS = "tls_error"
    """The other side's certificate could not be checked: nothing was sent."""
    UNRENDERABLE = "unrenderable"
    """Nothing was sent: the notification could not be made into a message, which is a defect of slackwater."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one attempt to send one message. Never holds an address, a header or free text.

    `status`: the HTTP status, None without one. `body_code`: the body where it looks like one of Slack's short codes
    (`ok`, `invalid_payload`), else "". `retry_after`: seconds the other side asks to wait, None when it does not.
    `failure`: set when there was no whole answer. `detail`: for people: a class of error, never its text. `refused`:
    the body says so, whatever the status. `receipt`: where the message stands, from channels that know. `plainest`:
    nothing plainer could be sent than what this answers.
    """

    status: int | None = None
    body_code: str = ""
    retry_after: float | None = None
    failure: Failure | None = None
    detail: str = ""
    refused: bool = False
    receipt: Receipt | None = None
    plainest: bool = False

    @property
    def short(self) -> str:
        """What there is to say of it, for the log."""
        return self.body_code or self.detail or str(self.status)


OK = Answer(status=200, body_code="ok")


class Verdict(StrEnum):
    """What an answer means; also the `result` label of the metric `notifications_total`."""

    DELIVERED = "delivered"
    RATE_LIMITED = "rate_limited"
    """Too fast: the whole route waits for as long as it is told to."""
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    REJECTED = "rejected"
    """This message is refused as it is: a plain-text version is tried once, where there is one."""
    ROUTE_BROKEN = "route_broken"
    """No message would arrive here, until a person mends the webhook, the channel or the way to it."""


_BY_FAILURE = {
    Failure.TIMEOUT: Verdict.TIMEOUT,
    Failure.CONNECTION: Verdict.CONNECTION_ERROR,
    Failure.TLS: Verdict.ROUTE_BROKEN,
    Failure.UNRENDERABLE: Verdict.REJECTED,
}

_BY_CODE = {
    "rate_limited": Verdict.RATE_LIMITED,
    "ratelimited": Verdict.RATE_LIMITED,
    "message_limit_exceeded": Verdict.RATE_LIMITED,
    "rollup_error": Verdict.SERVER_ERROR,
    "internal_error": Verdict.SERVER_ERROR,
    "fatal_error": Verdict.SERVER_ERROR,
    "service_unavailable": Verdict.SERVER_ERROR,
    "request_timeout": Verdict.SERVER_ERROR,
    "team_added_to_org": Verdict.SERVER_ERROR,
    "external_channel_migrating": Verdict.SERVER_ERROR,
    "update_failed": Verdict.SERVER_ERROR,
    "invalid_payload": Verdict.REJECTED,
    "invalid_blocks": Verdict.REJECTED,
    "invalid_blocks_format": Verdict.REJECTED,
    "invalid_attachments": Verdict.REJECTED,
    "too_many_attachments": Verdict.REJECTED,
    "missing_text_or_fallback_or_attachments": Verdict.REJECTED,
    "no_text": Verdict.REJECTED,
    "msg_too_long": Verdict.REJECTED,
    "msg_blocks_too_long": Verdict.REJECTED,
    "invalid_arguments": Verdict.REJECTED,
    "invalid_metadata_format": Verdict.REJECTED,
    "invalid_metadata_schema": Verdict.REJECTED,
    "metadata_too_large": Verdict.REJECTED,
    "attachment_payload_limit_exceeded": Verdict.REJECTED,
    "user_not_found": Verdict.REJECTED,
    "action_prohibited": Verdict.ROUTE_BROKEN,
    "posting_to_general_channel_denied": Verdict.ROUTE_BROKEN,
    "team_disabled": Verdict.ROUTE_BROKEN,
    "invalid_token": Verdict.ROUTE_BROKEN,
    "channel_not_found": Verdict.ROUTE_BROKEN,
    "channel_is_archived": Verdict.ROUTE_BROKEN,
    "no_service": Verdict.ROUTE_BROKEN,
    "no_service_id": Verdict.ROUTE_BROKEN,
    "no_active_hooks": Verdict.ROUTE_BROKEN,
    "no_team": Verdict.ROUTE_BROKEN,
    "invalid_auth": Verdict.ROUTE_BROKEN,
    "not_authed": Verdict.ROUTE_BROKEN,
    "account_inactive": Verdict.ROUTE_BROKEN,
    "token_revoked": Verdict.ROUTE_BROKEN,
    "token_expired": Verdict.ROUTE_BROKEN,
    "missing_scope": Verdict.ROUTE_BROKEN,
    "not_in_channel": Verdict.ROUTE_BROKEN,
    "is_archived": Verdict.ROUTE_BROKEN,
    "restricted_action": Verdict.ROUTE_BROKEN,
}

_BY_STATUS = {
    400: Verdict.REJECTED,
    408: Verdict.TIMEOUT,
    413: Verdict.REJECTED,
    422: Verdict.REJECTED,
    425: Verdict.SERVER_ERROR,
    429: Verdict.RATE_LIMITED,
}


def judge(answer: Answer) -> Verdict:
    """What an answer means. Total: whatever is not known is a broken route (below 500) or the server's error (above).

    Only `200 ok` is a delivery. Any other success or redirect did not come from Slack: a proxy, a login page, a wrong
    address; trying such a place every few minutes would at best flood it.

    >>> judge(Answer(status=200, body_code="ok")).value
    'delivered'
    >>> judge(Answer(status=404, body_code="no_service")).value
    'route_broken'
    """
    if answer.failure is not None:
        return _BY_FAILURE[answer.failure]
    if answer.status is None:
        return Verdict.CONNECTION_ERROR
    if answer.status == 200 and answer.body_code == "ok" and not answer.refused:
        return Verdict.DELIVERED
    if answer.status >= 500:
        return Verdict.SERVER_ERROR
    by_status = _BY_STATUS.get(answer.status, Verdict.ROUTE_BROKEN)
    refused = answer.refused or (answer.status >= 400 and answer.status != 429)
    return _BY_CODE.get(answer.body_code, by_status) if refused else by_status
