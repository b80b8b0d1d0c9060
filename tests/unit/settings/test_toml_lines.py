"""On which line of a settings file a key stands."""

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.toml_lines import Path, line_of, lines_of

NAMES = ("a", "b_1", '"x y"', "'c.d'", '"]#="', "1")
NOISE = (
    "",
    "# [not] = a table",
    'text{} = """\nname = "[[routes]]"\n# no comment \\""" ""\\"\n"""',
    "text{} = '''\n'quoted''\n[x]\n'''''",
    'text{} = "#[[" # "',
    "text{} = '\\' # '",
    "list{} = [ # one\n  \"]\", [1, 2],\n  {{x = '}}'}},\n]",
    "dated{} = 2027-01-01T08:00:00Z",
)
TABLES = st.sampled_from(["[{}]", "[[{}]]", "[ {} . deep ]", "[[{}.'many']]"])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """TOML in which each value that is a number is the number of its line."""
    lines: list[str] = []
    for number in range(draw(st.integers(0, 12))):
        noise = draw(st.sampled_from(NOISE)).format(number)
        lines += noise.split("\n")
        if draw(st.booleans()):
            lines.append(draw(TABLES).format(draw(st.sampled_from(NAMES))))
        key = ".".join(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2)))
        lines.append(f" {key} = {len(lines) + 1} # {draw(st.sampled_from(['', '= 7']))}")
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@given(documents())
def test_every_value_stands_where_it_is_said_to(text: str) -> None:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a key or a table twice: whoever asks for lines has read the text before
    lines = lines_of(text)
    for path, value in leaves(values):
        if isinstance(value, int):
            assert line_of(path, lines) == value


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no table, with its path; of lists those of tables."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from leaves(inside, (*path, key))
    elif isinstance(value, list) and all(isinstance(each, dict) and "x" not in each for each in value):
        for number, inside in enumerate(value):
            yield from leaves(inside, (*path, number))
    else:
        yield path, value


def test_what_is_not_there_is_told_by_what_it_would_stand_in() -> None:
    lines = lines_of("brokers = 'a:1'\n\n[[routes]]\nname = 'x'\n")
    assert line_of(("routes", 0, "channel"), lines) == 3
    assert line_of(("routes", 0), lines) == 3
    assert line_of(("people",), lines) is None
