"""What becomes of an account whose id turns out to be an alias of another one."""

from __future__ import annotations

import pytest

from schemas.accounts import AccountUpdate
from schemas.alerts import Change, Kind, Resolution
from schemas.alias_log import AliasRecord
from schemas.errors import Reason
from schemas.events import InputTopic
from schemas.shuffle import Fact, ShuffleRecord, Usage
from schemas.usage import UsageEvent
from streams.detection.aliases import Aliases
from streams.detection.census import Census
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.home import Home
from streams.detection.merge import Merge
from streams.detection.origin import Origin
from streams.detection.results import RefusedCommand
from streams.detection.state import Account
from tests.plain import Plain
from tests.unit.detection.building import at, bills, usage


def claim(when: int, account: str = "acme") -> Fact:
    """Another account says that this id is its own."""
    body = AccountUpdate(account_id="umbrella", updated_at=when, aliases=(account,))
    return Fact(0, when, account, when, body, None)


def record_of(when: int, **fields: object) -> Fact:
    """The account's own record."""
    body = AccountUpdate.model_validate({"account_id": "acme", "updated_at": when, **fields}, strict=False)
    return Fact(0, when, "acme", when, body, None)


@pytest.fixture
def engine() -> Engine:
    return Engine(DetectionConfig())


@pytest.fixture
def plain(engine: Engine) -> Plain:
    return Plain(engine)


def test_its_alerts_are_over_and_none_opens_until_something_is_its_own_again(plain: Plain) -> None:
    plain.apply(bills("subscription.started", at(0)))
    plain.apply(bills("payment.failed", at(1)))
    plain.apply(claim(at(2)))
    (opened, resolved) = plain.told["acme"]
    assert (opened.change, resolved.change, resolved.resolution) == (
        Change.OPENED,
        Change.RESOLVED,
        Resolution.EXPIRED,
    )
    assert resolved.headline == "The id is an alias of umbrella by now."
    plain.close(at(60))
    plain.apply(claim(at(61)))
    assert len(plain.told["acme"]) == 2
    account = plain.accounts["acme"]
    assert [entry.code for entry in account.timeline.entries][-1] == "account.alias"
    plain.apply(bills("payment.failed", at(62), invoice_id="in-2"))
    assert not account.profile.alias
    assert [each.kind for each in plain.told["acme"][2:]] == [Kind.PAYMENT_FAILED]


def test_it_falls_silent_without_a_word(plain: Plain) -> None:
    for day in range(60):
        for hour in (9, 12, 15):
            plain.apply(usage(at(day, hour)))
    plain.apply(claim(at(60)))
    plain.close(at(160))
    assert not plain.told.get("acme")
    stored = Account.decode("acme", plain.accounts["acme"].encode())
    assert stored.profile.alias
    assert stored.events_total == 180
    picture = plain.engine.picture(plain.accounts["acme"], at(160))
    assert (picture.alias_of, picture.silent_at) == ("umbrella", None)


def test_its_money_is_that_of_the_account_that_has_it_now(plain: Plain) -> None:
    plain.apply(bills("subscription.started", at(0), mrr_minor=900, currency="EUR"))
    census = Census()
    census.enter(plain.accounts["acme"].encode())
    plain.apply(claim(at(2)))
    now = Census()
    now.enter(plain.accounts["acme"].encode())
    assert (census.mrr_active["EUR"], now.mrr_active["EUR"]) == (900, 0)


def test_it_may_go_from_one_account_to_another(plain: Plain) -> None:
    plain.apply(usage(at(0)))
    plain.apply(claim(at(1)))
    body = AccountUpdate(account_id="other", updated_at=at(2), aliases=("acme",))
    plain.apply(Fact(0, at(2), "acme", at(2), body, None))
    account = plain.accounts["acme"]
    assert plain.engine.picture(account, at(2)).alias_of == "other"
    assert [entry.text[:17] for entry in account.timeline.entries] == ["An alias of umbre", "An alias of other"]


def test_what_comes_later_is_counted_where_it_was(plain: Plain) -> None:
    for event in (usage(at(0)), claim(at(1)), usage(at(2), n=3)):
        plain.apply(event)
    account = plain.accounts["acme"]
    assert (account.events_total, account.profile.alias) == (4, False)
    codes = [entry.code for entry in account.timeline.entries]
    assert codes == ["account.alias", "account.own"]


def test_an_account_with_a_record_of_its_own_is_no_alias(engine: Engine) -> None:
    account = engine.account("acme")
    (refused,) = engine.apply(account, [record_of(at(0), name="Acme"), claim(at(1))])
    assert isinstance(refused, RefusedCommand)
    assert refused.refusal.reason is Reason.IMPOSSIBLE_ALIAS
    assert refused.refusal.field == "aliases"
    assert not account.profile.alias


@pytest.mark.parametrize("before", [True, False])
def test_a_home_keeps_nothing_of_an_alias_that_never_was_an_account(engine: Engine, before: bool) -> None:
    rows: dict[str, bytes] = {}
    home = Home(engine, Merge(frozenset()), rows.get)
    used = [usage(at(0)), usage(at(0, 2))] if before else []
    events: list[Usage | Fact] = [*used[:1], claim(at(0, 1)), *used[1:]]
    numbered = tuple(each._replace(offset=number) for number, each in enumerate(events))
    home.receive(0, ShuffleRecord(InputTopic.USAGE, "usage/0", 5, at(1), False, numbered))
    for _ in home.step(idle=True):
        pass
    rows.update(home.take(pictures=9).rows)
    assert list(rows) == (["acme"] if before else [])


def test_an_update_goes_to_its_home_and_to_that_of_each_alias_and_stays_whole(engine: Engine) -> None:
    origin = Origin(
        InputTopic.ACCOUNTS,
        "accounts/0",
        homes=2,
        home_of=lambda account: int(account != "umbrella"),
        out_of_order=0,
        future_tolerance=0,
        aliases=Aliases(),
    )
    for number in range(3):
        update = AccountUpdate(account_id="umbrella", updated_at=at(number), name="U", aliases=("x", "y", "umbrella"))
        assert origin.take(number, update, at(number)) is None
    own, others = origin.deal(2, caught_up=False, most=3)
    assert [event.account for record in own for event in record.events] == ["umbrella"] * 3
    assert [[(event.offset, event.account) for event in record.events] for record in others] == [
        [(0, "x"), (0, "y"), (1, "x"), (1, "y")],
        [(2, "x"), (2, "y")],
    ]
    assert others[0].last == 1
    merge = Merge(frozenset({"accounts/0"}))
    for offset, record in enumerate(others):
        merge.receive(offset, record)
    assert len(merge) == 6
    for offset, record in enumerate(others, 2):
        merge.receive(offset, record)  # a repetition
    assert len(merge) == 6


def test_an_event_under_an_alias_is_the_accounts_from_the_claim_on() -> None:
    known = Aliases(frozenset({"accounts/0"}))
    accounts, used = (
        Origin(
            topic,
            f"{topic.value}/0",
            homes=1,
            home_of=lambda _: 0,
            out_of_order=0,
            future_tolerance=0,
            aliases=known,
        )
        for topic in (InputTopic.ACCOUNTS, InputTopic.USAGE)
    )
    accounts.take(0, AccountUpdate(account_id="umbrella", updated_at=at(1), aliases=("x",)), None)
    assert accounts.statements is not None
    known.take(AliasRecord("accounts/0", 0, at(2), False, accounts.statements.take()))
    for number, when in enumerate((at(0), at(1, 1))):
        used.take(number, UsageEvent(account_id="x", occurred_at=when, event="click"), None)
    ((record,),) = used.deal(1, caught_up=False)
    assert [event.account for event in record.events] == ["x", "umbrella"]
