"""What can be asked on a network: hosts, and web addresses on them. No error repeats one: many are secrets."""

from typing import Final

from yarl import URL

_PORTS: Final = range(1, 65_536)


def is_host(text: str) -> bool:
    """Whether it may be the name of a host, or its IP address: one that can be looked up.

    >>> is_host("kafka.example"), is_host("::1"), is_host("a..b")
    (True, True, False)
    """
    try:
        return bool(text.encode("idna")) and text.isprintable() and " " not in text  # as the system's look-up has it
    except UnicodeError:
        return False


def is_web_address(text: str) -> bool:
    """Whether it is an http or https address, without a user's name.

    >>> is_web_address("https://crm.example/hook"), is_web_address("https://crm.example:99999/hook")
    (True, False)
    """
    try:
        url = URL(text)
    except ValueError:
        return False
    return (
        url.scheme in {"http", "https"}
        and url.raw_host is not None
        and is_host(url.raw_host)
        and url.port in _PORTS
        and url.raw_user is None
        and url.raw_password is None
        and not any(each.isspace() for each in text)
    )
