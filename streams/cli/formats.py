"""`slackwater formats`: how records of others are read; from the code."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

import inspect
from collections.abc import Iterable, Iterator
from typing import Any, Final

import typer

_INTRODUCTION: Final = """
An input topic holds native events unless `SLACKWATER_FORMAT_USAGE`, `_BILLING`, `_ACCOUNTS` or `_FEEDBACK` says
otherwise. `auto` takes each record by its shape: a CloudEvent (`specversion`, or the header `ce_specversion`), a Stripe
event (`object` is `event`), a Segment message (its `type`, with `messageId`, `context` or a time), and else a native
event. What cannot be read is a dead letter with the place in the foreign record (`data.object.currency`). A sound
record that says nothing here is none: it is counted on `slackwater_events_ignored_total`, by reason.
"""
_SEGMENT: Final = """
A message as Segment delivers it, one a record. The account is `context.groupId`, or whatever the first of the paths in
`SLACKWATER_SEGMENT_ACCOUNT` leads to (`context.groupId, properties.company_id`); ids may be whole numbers. An
event without an account is a dead letter when a user is named, and ignored when none is, as on a public web site.
`userId` is the user, `messageId` removes duplicates, `context.library.name` is the `source`. The time is `timestamp`,
which Segment has corrected for the device's clock; else `originalTimestamp`. `sentAt` and `receivedAt` are not used:
they say when a message travelled, which from a device that was offline is days later.
"""
_STRIPE: Final = """
Where nothing but Stripe names your accounts, set `park_ids = []` first: each customer (`stripe:cus_…`) is an account
then, and waits for nobody.

An event as a webhook gets it, of the API versions before 2025-03-31 and from then on. `id` removes duplicates,
`created` is the time. The account is `account_id` of the metadata (`SLACKWATER_STRIPE_ACCOUNT` names another key): of
the object, of the invoice's subscription, or of the customer where the event has it as a whole. Payment methods have
none as a rule: whatever names no account is that of `stripe:cus_…`, which an account may have among its `aliases`, and
waits until one has, for 30 days, and is then a dead letter (`SLACKWATER_PARK_IDS`, `SLACKWATER_PARK_FOR`). With
`SLACKWATER_FORMAT_ACCOUNTS=stripe` the accounts topic takes customers and says so for each whose metadata names an
account; such an update has that alias alone, so that an account with other aliases is better given a whole list. Test
mode is not told apart: keep its events off the topic.

MRR is amount times quantity of all items the event has, brought to a month (a year has 12 months, 52 weeks or 365
days), less discounts that the event has as a whole and that last (`forever`, `repeating`). Not in it: metered and
tiered prices, discounts given by their id alone, and taxes. Amounts are in minor units of ISO 4217 (ISK, UGX and MGA
are converted). Seats are the largest quantity of an item, the plan is the prices' nicknames (else lookup keys,
products, ids). A yearly period's end is the renewal. Reasons for leaving are Stripe's own
(`cancellation_details.feedback`), with the comment.
"""
_CLOUDEVENTS: Final = """
Version 1.0, structured, or binary with `ce_` headers. The data is JSON (also in `data_base64`): a native event, or a
Segment or Stripe one. What a native event leaves out, the envelope says: `time`; `source#id` as `event_id`; and of a
usage event its name, `type`.
"""


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: slackwater formats")(formats)


def formats() -> None:
    """How records of Segment, Stripe and CloudEvents are read on the input topics."""
    typer.echo(markdown(), nl=False)


def markdown() -> str:
    """The page: FORMATS.md is this."""
    from schemas.formats.reader import FORMATS
    from schemas.formats.segment import TRAITS
    from schemas.formats.stripe.event import ACCOUNTS, BILLING

    parts = ["# Formats", "How foreign records are read, from the code (`slackwater formats`).", _INTRODUCTION]
    parts.append(
        _table(("topic", "formats"), ((topic, ", ".join(f"`{f}`" for f in FORMATS[topic])) for topic in FORMATS))
    )
    parts += ["## Segment", _SEGMENT, _table(("message", "topic", "becomes"), _segment_rows(TRAITS))]
    stripe = [*_stripe_rows("billing", BILLING), *_stripe_rows("accounts", ACCOUNTS)]
    parts += ["## Stripe", _STRIPE, _table(("event", "topic", "says"), stripe), "All other types are ignored."]
    parts += ["## CloudEvents", _CLOUDEVENTS, "## Ignored", _table(("reason", "why"), _IGNORED.items())]
    return "\n\n".join(part.strip() for part in parts) + "\n"


_IGNORED: Final = {
    "`other_type`": "a type that says nothing on this topic",
    "`inactive`": "Segment: `context.active` is false",
    "`anonymous`": "Segment: neither an account nor a user is named",
    "`not_begun`": "Stripe: a subscription whose first payment has not come, or never came",
    "`nothing_due`": "Stripe: an invoice of nothing, which nobody tried to charge",
    "`no_account`": "Stripe: a customer whose metadata names no account, or a payment method that is no customer's",
}


def _segment_rows(traits: dict[str, str]) -> list[tuple[str, ...]]:
    given = ", ".join(f"`traits.{trait}` is `{field}`" for field, trait in traits.items())
    return [
        ("`track`", "usage", "a usage event called `event`"),
        ("`page`, `screen`", "usage", "a usage event called `page:` or `screen:` and the `name`"),
        (
            "`group`",
            "accounts",
            f"an account update of `groupId`: {given}, `traits.createdAt` is `started_at`, "  # noqa: ISC004 - one text
            "`traits.address.country` is `country`",
        ),
        ("`identify`, `alias`", "", "nothing"),
    ]


def _stripe_rows(topic: str, readers: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for kind, reader in readers.items():
        yield f"`{kind}`", topic, " ".join((inspect.getdoc(reader) or "").split())


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
