"""What a partition of the accounts topic has to say to all others: see `Aliases`."""

from schemas.accounts import AccountUpdate
from schemas.alias_log import Statement
from schemas.shuffle import Fact, Usage
from streams.detection.aliases import Aliases


class Statements:
    """Of the origin called `name`. What is known already is left out: an account's whole record is often sent each
    night, and the log is kept for ever."""

    def __init__(self, known: Aliases, name: str) -> None:
        self._known = known
        self._name = name
        self._new: list[Statement] = []
        self._on_the_way: dict[str, int] = {}

    def add(self, offset: int, place: int, update: AccountUpdate) -> tuple[str, ...]:
        """Take the next update of the partition. Gives the aliases that it names, each once."""
        aliases = aliases_of(update)
        account = update.account_id
        read = self._on_the_way.get(account, -1) <= self._known.read_to(self._name)
        if read and self._known.is_known(account, aliases):
            return aliases or ()
        self._new.append(Statement(offset, place, account, update.updated_at, aliases))
        self._on_the_way[account] = offset
        return aliases or ()

    def take(self) -> tuple[Statement, ...]:
        """What is new since the last call."""
        read = self._known.read_to(self._name)
        self._on_the_way = {account: offset for account, offset in self._on_the_way.items() if offset > read}
        new, self._new = self._new, []
        return tuple(new)


def aliases_of(update: AccountUpdate) -> tuple[str, ...] | None:
    """All aliases that an update gives its account, sorted; None: it says nothing of them.

    >>> aliases_of(AccountUpdate(account_id="a", updated_at=1_740_000_000_000, aliases=("c", "a", "b", "c")))
    ('b', 'c')
    """
    if "aliases" not in update.model_fields_set:
        return None
    return tuple(sorted(set(update.aliases or ()) - {update.account_id}))


def is_claim(event: Usage | Fact) -> bool:
    """Whether an event says to an id that an account has it as an alias; see `Origin`."""
    if isinstance(event, Usage):
        return False
    body = event.body
    return isinstance(body, AccountUpdate) and body.account_id != event.account and body.aliases == (event.account,)
