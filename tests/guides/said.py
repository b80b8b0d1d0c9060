"""Whether a command says what a guide shows."""

from __future__ import annotations

import doctest


def agrees(shown: str, said: str) -> bool:
    """`...` stands for any text, and a run of spaces for another.

    >>> agrees("sent ... accounts\\n", "sent 60   accounts\\n"), agrees("sent 6 accounts\\n", "sent 60 accounts\\n")
    (True, False)
    """
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(shown.strip() + "\n", said.strip() + "\n", flags)
