"""Which account each id of a history stands for, from its beginning on: a file knows at once what a topic comes to know
by and by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.accounts import AccountUpdate
from schemas.alias_log import AliasRecord, Statement
from schemas.events import InputTopic
from schemas.formats.outcome import Ignored
from schemas.instants import LATEST
from streams.detection.aliases import Aliases
from streams.detection.names import Names
from streams.detection.statements import aliases_of
from streams.produce import InputError, Source
from streams.produce.account_tables import AccountRow, read_accounts
from streams.produce.errors import BadRow
from streams.produce.identities import contradictions
from streams.produce.lines import read_events, read_lines

_ORIGIN = "accounts/0"


@dataclass(frozen=True)
class Identities:
    """`aliases` has the account of each id that is one's; `have_to_be` are names, with * for any text, of ids that are
    no accounts by themselves. `own` are ids of that kind that are."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    have_to_be: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether any id may be another's, or nobody's."""
        return bool(self.aliases or self.have_to_be)

    def account_of(self, name: str) -> str | None:
        """The account; None: no account has named an id that has to be an alias.

        >>> known = Identities({"crm-1": "acme", "cus_1": "acme"}, ("cus_*",))
        >>> [known.account_of(name) for name in ("crm-1", "other", "cus_1", "cus_2")]
        ['acme', 'other', 'acme', None]
        """
        account = self.aliases.get(name)
        if account is not None:
            return account
        return None if self._names.match(name) and name not in self.own else name

    @cached_property
    def _names(self) -> Names:
        return Names(self.have_to_be)


def identities_of(updates: Iterable[AccountUpdate], have_to_be: tuple[str, ...] = ()) -> Identities:
    """What ids stand for in the end, by account updates in any order: as a worker knows it that has read them all."""
    known = Aliases(frozenset({_ORIGIN}), have_to_be=have_to_be)
    stated = [
        Statement(number, update.updated_at, update.account_id, update.updated_at, aliases_of(update))
        for number, update in enumerate(sorted(updates, key=lambda each: each.updated_at))
    ]
    known.take(AliasRecord(_ORIGIN, len(stated), LATEST + 1, True, tuple(stated)))
    stands = {name: known.account_of(name, LATEST + 1, _ORIGIN, 0) for name in known.histories}
    aliases = {name: account for name, account in stands.items() if account is not None and account != name}
    own = frozenset(name for name, account in stands.items() if account == name and known.has_to_be_alias(name))
    return Identities(aliases, have_to_be, own)


def read_identities(
    sources: Iterable[Source], table: Path | None, zone: ZoneInfo, have_to_be: tuple[str, ...]
) -> Identities:
    """By the account updates among the files of a history, and a table as `slackwater accounts import` takes it, which
    is newer than those where it says no time. Raises InputError for a table that is not sound."""
    updates = [update for source in sources if source.topic is InputTopic.ACCOUNTS for update in _updates(source)]
    if table is not None:
        found = list(read_accounts(table, LATEST, zone))
        rows = [each for each in found if isinstance(each, AccountRow)]
        bad = [each for each in found if isinstance(each, BadRow)] or list(contradictions(table, rows))
        if bad:
            more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
            raise InputError(f"{bad[0]}{more}")
        updates += [row.update for row in rows]
    return identities_of(updates, have_to_be)


def _updates(source: Source) -> Iterable[AccountUpdate]:
    """Those that can be read: whoever reads the file as history tells of the others."""
    form = source.resolved_format()
    for number, raw in read_lines(source.path, None):
        events = read_events(source.path, number, source.topic, raw, form.of_records, source.lookup)
        if not isinstance(events, BadRow | Ignored):
            yield from (event for event in events if isinstance(event, AccountUpdate))
