"""The pages, over HTTP."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from streams.board.accounts import Accounts
from streams.board.feed import Feed, Stage
from tests.unit.board.kit import alert, at_risk, filled, form_token, picture, text_of, visiting

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u202d",
    "X" * 10_000,
    "شركة النور",
    "\x1b[31m\x00\n\t\u2066 ",
    "<!-- ",
    "&lt;b&gt;",
]


class Read(HTMLParser):
    """A page as a browser reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.comments: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


async def test_accounts_at_risk_are_listed_by_money_and_searched_and_filtered() -> None:
    fleet = [at_risk("small", 100.0), at_risk("large", 9_000.0, silent_at="2026-06-04T00:00:00Z"), picture("well")]
    async with visiting(fleet) as visitor:
        await visitor.log_in()
        page = text_of(await visitor.get("/"))
        assert page.index("Large Ltd") < page.index("Small Ltd")
        assert "Well Ltd" not in page
        assert "2 of 3 accounts, most money at risk first" in page
        for shown in ("90.00 EUR", "499.00 EUR", "Activity is at a third of normal.", "silent on 4 June 2026"):
            assert shown in page
        assert "1 of 3 accounts" in text_of(await visitor.get("/?show=all&q=WELL"))
        assert "None of 3 accounts fits" in text_of(await visitor.get("/?kind=downgrade"))
        assert "there is no 'x'; there are usage_drop" in text_of(await visitor.get("/?kind=x", status=400))


async def test_a_long_list_has_pages_that_keep_the_filter() -> None:
    async with visiting([at_risk(f"acct-{number}", float(number)) for number in range(120)]) as visitor:
        await visitor.log_in()
        page, seen = await visitor.get("/?team=north"), []
        while True:
            seen += re.findall(r"/account\?id=(acct-\d+)", page)
            found = re.search(r'rel="next" href="([^"]*)"', page)
            if found is None:
                break
            assert "team=north" in found[1]
            page = await visitor.get(found[1].replace("&amp;", "&"))
        assert seen == [f"acct-{number}" for number in reversed(range(120))]


async def test_an_accounts_page_says_all_that_is_known() -> None:
    loud = at_risk(
        "acme",
        500.0,
        alert(),
        alert("payment_failed", "critical", alert_id="00000000000000bb", state="snoozed", by="tom"),
        silent_at="2026-06-04T00:00:00Z",
        timeline=[
            {"at": "2026-05-01T00:00:00Z", "code": "x", "text": "Older."},
            {"at": "2026-05-02T00:00:00Z", "code": "x", "text": "Newer.", "by": "tom"},
        ],
    )
    async with visiting([loud]) as visitor:
        await visitor.log_in()
        page = await visitor.get("/account?id=acme")
        shown = text_of(page)
        for text in (
            "100 is good, 0 is lost",
            "usage -20 15 events in 28 days, about 123 are normal.",
            "Left out, as there is no data: card",
            "Observed 15 events in 14 days",
            "Expected about 123",
            "Since 20 May 2026 (12 days)",
            "False alarms like this one in 10 account-years",
            "snoozed by tom",
            "Would be called silent on 4 June 2026",
            "Money at risk a month 5.00 EUR",
            "about 4.4 a day are normal",
        ):
            assert text in shown or text in page, text
        assert shown.index("Payment failed") < shown.index("Usage drop Activity"), "the most severe one first"
        assert shown.index("Newer.") < shown.index("Older."), "the newest first"
        assert '<a href="https://wiki.vendor.example/drop" rel="nofollow noopener noreferrer">' in page


async def test_of_a_lost_account_it_is_said_why_and_who_had_foreseen_it() -> None:
    loss = {
        "at": "2026-05-30T00:00:00Z",
        "decided_at": "2026-05-20T00:00:00Z",
        "voluntary": True,
        "reason_class": "missing_feature",
        "influenceable": True,
        "comment": "No <b>exports</b>.",
        "foreseen_by": "usage_drop",
        "foreseen_at": "2026-05-01T00:00:00Z",
        "post_mortem": {"text": "The first sign was on 1 May <b>."},
    }
    async with visiting([picture("gone", phase="lost", health=0, loss=loss)]) as visitor:
        await visitor.log_in()
        page = await visitor.get("/account?id=gone")
        assert "No &lt;b&gt;exports&lt;/b&gt;." in page
        shown = text_of(page)
        assert "The first sign was on 1 May &lt;b&gt;." in page
        assert "Lost on 30 May 2026 , by somebody's decision. Reason: missing feature, which a team can do" in shown
        assert "First said by usage drop, on 1 May 2026." in shown


@pytest.mark.parametrize("name", HOSTILE)
async def test_whatever_a_name_holds_it_stays_a_name(name: str) -> None:
    text = name or "x"
    alerts = [
        alert(
            headline=text,
            playbook=f"{text} javascript:alert(1) https://x.example/<script>",
            reasons=[{"code": "c", "text": text}],
            by=text,
        )
    ]
    evil = at_risk(
        "id " + re.sub(r"[\x00-\x1f\x7f-\x9f]", "", name)[:250],
        500.0,
        *alerts,
        account_name=text,
        owner=text,
        team=text,
        billing={"plan": text, "mrr_minor": 1, "currency": "EUR"},
        timeline=[{"at": "2026-05-30T00:00:00Z", "code": "c", "text": text, "by": text}],
        factors=[{"name": name.strip()[:256] or "x", "points": -1.5, "text": text}],
        missing=[name.strip()[:256] or "x"],
    )
    async with visiting([evil]) as visitor:
        await visitor.log_in()
        listed = await visitor.get("/")
        (address,) = re.findall(r'href="(/account\?id=[^"]*)"', listed)
        for page in (listed, await visitor.get(address), await visitor.get("/score")):
            read = Read()
            read.feed(page)
            assert not read.tags & {"script", "img", "b", "iframe"}
            assert not [name for name, _ in read.attributes if name.startswith("on") or name == "style"]
            assert not [value for name, value in read.attributes if name == "href" and "javascript" in (value or "")]
            assert read.comments == []
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page)
            assert len(page) < 60_000 + 6 * 500


async def test_an_id_may_be_anything_that_an_id_may_be() -> None:
    ids = ["..", "a/b", "?q=1&x#y", "ünï", "%2e", "a b+c", '"', "fleet"]
    async with visiting([at_risk(each, 1.0, account_name=f"Name of {number}") for number, each in enumerate(ids)]) as v:
        await v.log_in()
        links = re.findall(r'href="(/account\?id=[^"]*)"', await v.get("/"))
        assert len(links) == len(ids)
        pages = [text_of(await v.get(link.replace("&amp;", "&"))) for link in links]
        assert sorted(found[1] for page in pages if (found := re.search(r"Name of (\d)", page))) == list("01234567")


async def test_the_score_is_what_the_command_shows() -> None:
    drop: dict[str, Any] = {"kind": "usage_drop", "currency": "EUR", "mrr_minor": 900}
    lost = {"at": "2026-03-01T00:00:00Z", "decided_at": "2026-03-01T00:00:00Z", "voluntary": True}
    fleet = [
        picture("a", outcomes=[drop | {"outcome": "saved", "times": 3}]),
        picture("d", actions=[{"kind": "any", "action": "<call>", "outcome": "saved", "times": 2, "currency": "EUR"}]),
        picture("b", outcomes=[drop | {"outcome": "false_alarm", "times": 1, "mrr_minor": 0}]),
        picture(
            "c",
            phase="lost",
            loss=lost | {"mrr_minor": 700, "currency": "EUR"},
            outcomes=[{"kind": "any", "outcome": "lost", "times": 1, "leads": 1, "lead_hours": 240}],
        ),
    ]
    async with visiting(fleet) as visitor:
        await visitor.log_in()
        shown = text_of(await visitor.get("/score"))
        assert "4 accounts, 3 paying 1,497.00 EUR a month. 1 lost; 100% of them foreseen, 10 days" in shown
        assert "usage drop 3 0 0 1 75% 0% 9.00 EUR" in shown
        assert "<call> any unknown 2 0 0 0 0" in shown
        assert "2026-03 voluntary unknown 1 7.00 EUR" in shown
        assert "to be asked C Ltd" in shown


async def test_while_the_topic_is_being_read_pages_say_how_far_that_is() -> None:
    feed = filled([at_risk("acme", 500.0)])
    async with visiting(feed=feed) as visitor:
        await visitor.log_in()
        feed.stage, feed.share = Stage.READING, 0.42
        for path in ("/", "/account?id=acme", "/score"):
            page = await visitor.get(path)
            assert "1 accounts so far, 42% of account-health" in text_of(page)
            assert '<meta http-equiv="refresh" content="2">' in page
            assert "Acme" not in page
        feed.stage, feed.trouble = Stage.CONNECTING, "the broker has no topic 'account-health'; run: x"
        assert "the broker has no topic 'account-health'; run: x" in text_of(await visitor.get("/", status=503))
        feed.stage = Stage.LIVE
        page = text_of(await visitor.get("/"))
        assert "Nothing new can be read at present" in page
        assert "Acme" in page


async def test_an_empty_topic_says_what_to_look_at() -> None:
    feed = Feed(Accounts(), lambda: pytest.fail("not asked for"))
    feed.stage = Stage.LIVE
    async with visiting(feed=feed) as visitor:
        await visitor.log_in()
        assert "No account yet account-health is empty." in text_of(await visitor.get("/"))


async def test_what_cannot_be_sent_is_said_and_nothing_else_changes() -> None:
    async with visiting([at_risk("acme", 500.0)]) as visitor:
        await visitor.log_in()
        token = form_token(await visitor.get("/account?id=acme"))
        wrong = await visitor.post("/account?id=acme", token, command="snooze", command_id="1", days="8")
        assert wrong.status == 400
        assert "Nothing was sent. days: should be one of 1, 7, 30" in text_of(await wrong.text())
        unsent = await visitor.post("/account?id=acme", token, command="acknowledge", command_id="1")
        assert unsent.status == 502
        assert "It could not be sent: no Kafka broker can be used at 127.0.0.1:" in text_of(await unsent.text())
        assert "Waiting for the workers" not in await visitor.get("/account?id=acme")
        for kind in (
            "text/html",
            "x-www-form-urlencoded; charset=utf-9",
            "x-www-form-urlencoded",
            "multipart/form-data",
        ):
            headers = {"Content-Type": kind if "/" in kind else f"application/{kind}"}
            garbled = await visitor.client.post("/account?id=acme", data=b"note=\xff", headers=headers)
            assert garbled.status in (400, 403), kind
        large = await visitor.post("/account?id=acme", token, note="x" * 100_000)
        assert large.status == 413


async def test_records_that_are_no_picture_are_told() -> None:
    feed = filled([at_risk("acme", 500.0)])
    feed.accounts.put(b"b", b"{}")
    async with visiting(feed=feed) as visitor:
        await visitor.log_in()
        assert "1 records of the topic are no picture" in text_of(await visitor.get("/"))
