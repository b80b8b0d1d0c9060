"""A file that is read in parts gives what it gives as a whole: rows, order, faults and their places."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from streams.backtest.crew import Crew
from streams.backtest.job import Job
from streams.backtest.reading import Part, Reading, parts_of, read_items
from streams.detection.config import DetectionConfig
from streams.produce import Columns, InputError, Source
from streams.produce.ordering import Item

COLUMNS = Columns(event="event")


def read(parts: list[Part]) -> tuple[list[Item], Reading]:
    items, reading = [], Reading()
    for part in parts:
        own = Reading()
        items += list(read_items(part, None, own))
        reading += own
    return items, reading


def lines(kind: str) -> Iterator[str]:
    random = Random(kind)
    for number in range(400):
        event = f"view {number}"
        if kind == "quoted" and random.random() < 0.5:
            event = random.choice(['"a, b"', '"two\nlines"', '"say ""hi""\r\nand go"', '"\n\n"'])
        account = "" if random.random() < 0.02 else f"a{number % 7}"
        yield f"{account},2025-01-{1 + number % 28:02d},{event}" + (",more" if random.random() < 0.02 else "")


@pytest.mark.parametrize("kind", ["plain", "quoted"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [50, 333, 4_000])
def test_parts_of_a_table_give_the_same_rows_and_faults(tmp_path: Path, kind: str, line_end: str, size: int) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes(line_end.join(["account_id,occurred_at,event", *lines(kind)]).encode())
    source = Source(file, columns=COLUMNS)
    parts = parts_of([source], size)
    assert len(parts) > 3
    items, reading = read(parts)
    whole, expected = read([Part(source)])
    assert (items, reading) == (whole, expected)
    assert expected.bad >= 5


def test_parts_of_json_lines_give_the_same_rows_and_faults(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    row = '{"account_id":"a%d","event":"\\"x","occurred_at":"2025-01-%02dT00:00:00Z"}'
    rows = [row % (number % 5, 1 + number % 28) if number % 50 else "oops" for number in range(300)]
    file.write_text("\ufeff" + "\n".join(rows))
    parts = parts_of([Source(file)], 1_000)
    assert len(parts) > 3
    assert read(parts) == read([Part(Source(file))])


def test_a_user_whom_only_one_part_of_the_lines_names_is_found_and_one_whom_none_does_is_an_error(
    tmp_path: Path,
) -> None:
    file = tmp_path / "f.jsonl"
    row = '{"account_id":"a","occurred_at":"2025-01-01T00:00:00Z"%s}\n'
    file.write_text(row % "" * 100 + row % ',"who":"u"')
    crew = Crew(Job(DetectionConfig(), {}, 0, tmp_path))
    parts = parts_of([Source(file, columns=Columns(user="who"))], 1_000)
    assert len(parts) > 3
    assert crew.read(parts, lambda _rows: None).total == 101
    with pytest.raises(InputError, match=r"no line has 'whom' .*; there are 'account_id', 'occurred_at', 'who'$"):
        crew.read(parts_of([Source(file, columns=Columns(user="whom"))], 1_000), lambda _rows: None)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("account_id,occurred_at\r" + "a,2025-01-01\r" * 300, Columns()),  # a single return ends a line, too
        ("account_id,occurred_at,event\n" + 'a,2025-01-01,5 inch"\n' * 301, COLUMNS),  # no pairs
        ("account_id,occurred_at,id\n" + "a,2025-01-01,1\n" * 300, Columns(id="id")),  # the first of each id counts
    ],
)
def test_what_cannot_be_parted_is_read_as_a_whole(tmp_path: Path, text: str, columns: Columns) -> None:
    (tmp_path / "f.csv").write_bytes(text.encode())
    assert parts_of([Source(tmp_path / "f.csv", columns=columns)], 500) == [
        Part(Source(tmp_path / "f.csv", columns=columns))
    ]


def test_a_file_whose_parts_end_amid_a_row_is_read_again_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    # Marks that stand alone make line ends between real quotation marks look like ends of rows.
    odd, two = 'a,2025-01-01,5 inch"\n', 'a,2025-01-02,"two\nlines"\n'
    file.write_text("account_id,occurred_at,event\n" + odd + two * 100 + odd)
    source = Source(file, columns=COLUMNS)
    parts = parts_of([source], 300)
    assert len(parts) > 3
    assert read(parts)[1].torn
    with Crew(Job(DetectionConfig(), {}, 0, tmp_path)) as crew:
        found = crew.read(parts, lambda _rows: None)
    assert (found, found.bad, found.total) == (read([Part(source)])[1], 0, 102)
