"""Files to records: what is read, in which order, and what is said about what cannot be."""

import bz2
import gzip
import json
import lzma
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode
from schemas.errors import Reason, Rejected
from schemas.events import InputTopic
from schemas.instants import parse_instant
from schemas.plain_usage import UsageFields, fields_of
from schemas.usage import UsageEvent
from streams.produce import Columns, Format, InputError, Source, read, read_in_time_order
from streams.produce.columns import Row, usage_fields, usage_value
from streams.produce.errors import BadRow
from streams.produce.parquet_files import _cells
from streams.produce.sources import read_table

BASKETS = Columns("household", "at", id="basket")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def values(source: Source) -> list[dict[str, object]]:
    return [orjson.loads(record.value) for record in read(source)]


def refusal(source: Source) -> str:
    with pytest.raises(InputError) as error:
        list(read(source))
    return str(error.value)


def test_a_csv_row_becomes_a_native_usage_event(tmp_path: Path) -> None:
    file = write(
        tmp_path / "history.csv",
        "customer,when,who,what,n\nacme,2025-03-01 12:00:00,u1,login,3\nacme,2025-03-01 12:00:01,,logout,1\n",
    )
    source = Source(file, columns=Columns("customer", "when", user="who", event="what", quantity="n"))
    assert values(source) == [
        {
            "account_id": "acme",
            "occurred_at": "2025-03-01T12:00:00Z",
            "user_id": "u1",
            "event": "login",
            "quantity": 3,
        },
        {"account_id": "acme", "occurred_at": "2025-03-01T12:00:01Z", "event": "logout"},
    ]
    first = next(iter(read(source)))
    assert (first.account, first.topic, first.at) == ("acme", InputTopic.USAGE, parse_instant("2025-03-01T12:00:00Z"))


def test_json_lines_are_a_table_once_a_column_is_named(tmp_path: Path) -> None:
    lines = [{"customer": 17, "ms": 1740826800000, "what": "login", "who": "u1", "n": 3}]
    lines += [{"customer": "b", "ms": "2025-03-01 12:00:00", "what": "logout", "n": 1}]
    file = write(tmp_path / "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    columns = Columns("customer", "ms", user="who", event="what", quantity="n")
    first, second = values(Source(file, columns=columns, zone=ZoneInfo("Europe/Berlin")))
    assert first == {
        "account_id": "17",
        "occurred_at": "2025-03-01T11:00:00Z",
        "user_id": "u1",
        "event": "login",
        "quantity": 3,
    }
    assert second == {"account_id": "b", "occurred_at": "2025-03-01T11:00:00Z", "event": "logout"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"firm": "a", "at": "2025-03-01"}', "line 1, column 'customer': is missing; the line has 'firm', 'at'"),
        ('{"customer": ["a"], "at": "2025-03-01"}', "line 1, column 'customer': must be text or a whole number"),
        ('{"customer": "a", "at": null}', "line 1, column 'at': a time is written like"),
        ('{"customer": "a", "at": true}', "line 1, column 'at': a time is written like"),
        ('["a", "2025-03-01"]', "line 1: must be a JSON object"),
        ("a,2025-03-01", "line 1: no JSON: "),
        ("{}", "line 1, column 'customer': is missing; the line has nothing"),
    ],
)
def test_a_line_that_is_no_row_says_why(tmp_path: Path, line: str, said: str) -> None:
    assert said in refusal(Source(write(tmp_path / "a.jsonl", line), columns=Columns("customer", "at")))


def test_a_name_that_no_line_has_is_an_error_and_one_that_some_leave_out_is_none(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '{"account_id":"a","occurred_at":"2025-03-01"}\n' * 3)
    source = Source(file, columns=Columns(user="who"))
    assert refusal(source) == f"{file}: no line has 'who' (--user); there are 'account_id', 'occurred_at'"
    write(file, file.read_text() + '{"account_id":"a","occurred_at":"2025-03-02","who":"u"}\n')
    assert [each.get("user_id") for each in values(source)] == [None, None, None, "u"]


def test_a_column_may_be_a_field_inside_of_an_object(tmp_path: Path) -> None:
    line = {"event": "x", "properties": {"firm": {"id": 7}, "time": 1740826800}, "a.b": "u"}
    file = write(tmp_path / "a.jsonl", json.dumps(line))
    (event,) = values(Source(file, columns=Columns("properties.firm.id", "properties.time", user="a.b", event="event")))
    assert (event["account_id"], event["occurred_at"], event["user_id"]) == ("7", "2025-03-01T11:00:00Z", "u")
    said = refusal(Source(file, columns=Columns("firm.id", "properties.time")))
    assert said.endswith("is missing; the line has 'event', 'properties.firm.id', 'properties.time', 'a.b'")
    assert "column 'event.id': is missing" in refusal(Source(file, columns=Columns("event.id", "properties.time")))


@pytest.mark.parametrize(
    "line",
    [
        {"attributes": {"account.id": "x", "time": 1740826800}},
        {"attributes": {"account": {}, "account.id": "x", "time": 1740826800}},
        {"attributes": {"account": {"id": "x"}}, "attributes.time": 1740826800},
        {"attributes.account": {"id": "x"}, "attributes": {"time": 1740826800}},
    ],
)
def test_names_inside_of_objects_may_have_dots_of_their_own(tmp_path: Path, line: dict[str, object]) -> None:
    file = write(tmp_path / "a.jsonl", json.dumps(line))
    (event,) = values(Source(file, columns=Columns("attributes.account.id", "attributes.time")))
    assert (event["account_id"], event["occurred_at"]) == ("x", "2025-03-01T11:00:00Z")


def test_neither_deep_objects_nor_long_names_are_shown_as_a_whole(tmp_path: Path) -> None:
    deep = '{"a":' * 1_000 + "1" + "}" * 1_000
    file = write(tmp_path / "a.jsonl", f'{{"{"n" * 10_000}":1,"deep":{deep}}}')
    said = refusal(Source(file, columns=Columns("account", "at")))
    assert said.endswith(f"is missing; the line has '{'n' * 60}...', 'deep{'.a' * 10}'")


def test_records_of_a_format_have_no_columns(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", "{}")
    said = refusal(Source(file, format=Format.SEGMENT, columns=Columns("customer")))
    assert said.endswith("segment records have names of their own; columns are those of csv, parquet, jsonl")


def test_account_and_time_columns_have_the_native_names_unless_told(tmp_path: Path) -> None:
    file = write(tmp_path / "history.csv", "account_id,occurred_at,other\na,2025-03-01T12:00:00Z,x\n")
    assert values(Source(file)) == [
        {"account_id": "a", "occurred_at": "2025-03-01T12:00:00Z", "event": "activity"},
    ]


def test_quotes_tabs_packing_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", '\ufeffaccount_id,occurred_at\n"a, ""b""",2025-03-01\n')
    tabs = write(tmp_path / "a.tsv", "account_id\toccurred_at\nx\t2025-03-01\n")
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert [record.account for record in read(Source(plain))] == ['a, "b"']
    assert [record.account for record in read(Source(tabs))] == ["x"]
    assert [record.account for record in read(Source(packed))] == ['a, "b"']


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_cells_are_separated_by_what_separates_the_headers(tmp_path: Path, separator: str) -> None:
    lines = [
        separator.join(cells) for cells in (('"a,b;c"', "account_id", "occurred_at"), ("1;2,3|4", "x", "2025-03-01"))
    ]
    file = write(tmp_path / "a.csv", "\n".join(lines).replace("1;2,3|4", '"1;2,3|4"'))
    assert [record.account for record in read(Source(file))] == ["x"]


def test_rows_without_anything_in_them_are_none(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "account_id,occurred_at\n\n  \n,\nx,2025-03-01\n,\n")
    assert [record.account for record in read(Source(file))] == ["x"]


def test_times_without_an_offset_are_those_of_the_zone(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "account_id,occurred_at\na,2025-07-01 12:00:00\n")
    [record] = read(Source(file, zone=ZoneInfo("Europe/Berlin")))
    assert record.at == parse_instant("2025-07-01T10:00:00Z")


def test_only_the_first_row_of_each_account_and_id_is_kept(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.csv",
        "household,at,basket\n1,2025-03-01,b1\n1,2025-03-02,b1\n2,2025-03-01,b1\n1,2025-03-03,b2\n",
    )
    assert [
        (value["account_id"], value["event_id"], value["occurred_at"])
        for value in values(Source(file, columns=BASKETS))
    ] == [
        ("1", "b1", "2025-03-01T00:00:00Z"),
        ("2", "b1", "2025-03-01T00:00:00Z"),
        ("1", "b2", "2025-03-03T00:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("column", "offset_hours"),
    [
        (pa.array([datetime.fromisoformat("2025-07-01T12:00:00")], pa.timestamp("ns")), 2),
        (pa.array([datetime(2025, 7, 1, 12, tzinfo=UTC)], pa.timestamp("us", "America/New_York")), 0),
        (pa.array(["2025-07-01 12:00:00"]), 2),
        (pa.array(["2025-07-01T12:00:00Z"]), 0),
        (pa.array([1_751_371_200]), 0),
        (pa.array([1_751_371_200.0]), 0),
        (pa.array([1_751_371_200_000]), 0),
        (pa.array([date(2025, 7, 1)]), 14),
    ],
    ids=["naive", "with a zone", "text", "text with offset", "seconds", "seconds as floats", "milliseconds", "date"],
)
def test_parquet_times_of_every_type_are_read(tmp_path: Path, column: pa.Array, offset_hours: int) -> None:
    pq.write_table(pa.table({"household": [900], "at": column, "basket": ["b"]}), tmp_path / "t.parquet")
    [record] = read(Source(tmp_path / "t.parquet", columns=BASKETS, zone=ZoneInfo("Europe/Berlin")))
    assert record.at == parse_instant("2025-07-01T12:00:00Z") - offset_hours * 3_600_000
    assert record.account == "900"


@pytest.mark.slow
def test_parquet_numbers_are_read_whatever_chunks_and_gaps_they_come_in(tmp_path: Path) -> None:
    count = 120_000
    table = pa.table(
        {
            "household": pa.array([None if n == 119_999 else n % 7 for n in range(count)], pa.int64()),
            "at": pa.array([1_735_689_600_000 + n for n in range(count)], pa.timestamp("ms", "UTC")),
            "basket": list(range(count)),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=33_333)
    found: list[str] = []
    with pytest.raises(InputError, match=r"t.parquet, row 120000, column 'household': "):
        found.extend(record.account for record in read(Source(tmp_path / "t.parquet", columns=BASKETS)))
    pq.write_table(table.slice(3, 100_000), tmp_path / "u.parquet")
    accounts = [record.account for record in read(Source(tmp_path / "u.parquet", columns=BASKETS))]
    assert accounts == [str(n % 7) for n in range(3, 100_003)]


def test_a_part_of_a_larger_arrow_column_is_read_as_that_part() -> None:
    assert list(_cells(pa.array([1, 2, 3, 4]).slice(1, 2))) == [2, 3]


def test_whole_numbers_stored_as_floats_are_ids(tmp_path: Path) -> None:
    pq.write_table(pa.table({"account_id": [900.0], "occurred_at": ["2025-03-01"]}), tmp_path / "t.parquet")
    assert [record.account for record in read(Source(tmp_path / "t.parquet"))] == ["900"]


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        (pa.array([Decimal(12), None, Decimal(10**20)], pa.decimal128(38, 0)), ["12", str(10**20)]),
        (pa.array([Decimal("12.00"), None, Decimal("13.00")], pa.decimal128(10, 2)), ["12", "13"]),
        (pa.array([b"a", None, "\N{BULLET}".encode()], pa.binary()), ["a", "\N{BULLET}"]),
    ],
)
def test_ids_are_read_as_warehouses_write_them(tmp_path: Path, column: pa.Array, ids: list[str]) -> None:
    pq.write_table(pa.table({"account_id": column, "occurred_at": [1740826800000] * 3}), tmp_path / "a.parquet")
    first, empty, last = read_table(Source(tmp_path / "a.parquet"))
    assert [each.account for each in (first, last) if isinstance(each, UsageFields)] == ids
    assert str(empty).endswith("row 2, column 'account_id': is empty")


def test_json_lines_are_sent_as_they_stand(tmp_path: Path) -> None:
    line = '{"account_id":"a",  "occurred_at":"2025-03-01T12:00:00Z","event":"x","extra":[1]}'
    file = write(tmp_path / "a.jsonl", f"{line}\n\n")
    [record] = read(Source(file))
    assert record.value == line.encode()


def test_json_lines_of_every_topic_have_their_own_time(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '{"account_id":"a","updated_at":"2025-03-01T12:00:00Z","name":"A"}\n')
    [record] = read(Source(file, InputTopic.ACCOUNTS))
    assert (record.topic, record.at) == (InputTopic.ACCOUNTS, parse_instant("2025-03-01T12:00:00Z"))


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("a,at\nx,2025-03-01\n", Columns("b", "at"), "there is no column 'b' (--account); the file has 'a', 'at'"),
        ("", Columns("b", "at"), "there is no column 'b' (--account), 'at' (--time); the file has no"),
        ('"a" , at\nx,2025-03-01\n', Columns("a", "at"), "f.csv, line 1, which names the columns: ',' expected after"),
        ("a,at\nx,2025-03-01\nx,soon\n", Columns("a", "at"), "f.csv, line 3, column 'at': a time is written like"),
        ("a,at,a\nx,2025-03-01,y\n", Columns("a", "at"), "f.csv: there are 2 columns 'a'; one can be read"),
        ("a,at\n,2025-03-01\n", Columns("a", "at"), "f.csv, line 2, column 'a': is empty"),
        ('a,at\n"\n\n",2025-03-01\n', Columns("a", "at"), "f.csv, line 4, column 'a': "),
        ("a,at\nx\n", Columns("a", "at"), "f.csv, line 2: has 1 fields where the header has 2"),
        ("a,at,n\nx,2025-03-01,0\n", Columns("a", "at", quantity="n"), "f.csv, line 2, column 'n': "),
        ("a,at,n\nx,2025-03-01,1.5\n", Columns("a", "at", quantity="n"), "line 2, column 'n': must be a whole number"),
        ("a,at,n\nx,2025-03-01,99999999999999999999999\n", Columns("a", "at", quantity="n"), "from 1 to 1,000,000"),
        ("a,at,n\nx,2025-03-01,inf\n", Columns("a", "at", quantity="n"), "line 2, column 'n': must be a whole number"),
        ("a,at,e\nx,2025-03-01,\n", Columns("a", "at", event="e"), "f.csv, line 2, column 'e': "),
        ('a,at\n"x,2025-03-01\n', Columns("a", "at"), "f.csv, line 2: "),
    ],
)
def test_a_fault_in_a_csv_file_is_told_by_file_line_and_column(
    tmp_path: Path, text: str, columns: Columns, said: str
) -> None:
    assert said in refusal(Source(write(tmp_path / "f.csv", text), columns=columns))


def test_a_fault_in_json_lines_is_told_by_line_and_field(tmp_path: Path) -> None:
    good = '{"account_id":"a","occurred_at":"2025-03-01T12:00:00Z","event":"x"}\n'
    missing = write(tmp_path / "a.jsonl", good + '{"account_id":"a","occurred_at":"2025-03-01T12:00:00Z"}\n')
    broken = write(tmp_path / "b.jsonl", good + "{oops\n")
    assert "a.jsonl, line 2, column 'event': " in refusal(Source(missing))
    assert "b.jsonl, line 2: " in refusal(Source(broken))


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"account_id,occurred_at\n\xff\xfe,2025-03-01\n")
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    (tmp_path / "a.csv.gz").write_bytes(b"no gzip")
    assert "is not UTF-8 text" in refusal(Source(tmp_path / "a.csv"))
    (tmp_path / "a.tsv").write_text("account_id\toccurred_at\nx\t2025-03-01\n", encoding="utf-16")
    (tmp_path / "a.jsonl").write_text('{"account_id": "x"}\n', encoding="utf-16")
    assert "a.tsv: is text in UTF-16; save it as UTF-8" in refusal(Source(tmp_path / "a.tsv"))
    assert "a.jsonl: is text in UTF-16; save it as UTF-8" in refusal(Source(tmp_path / "a.jsonl"))
    assert "is not a readable Parquet file" in refusal(Source(tmp_path / "a.parquet"))
    assert "cannot be read" in refusal(Source(tmp_path / "a.csv.gz"))
    for name in ("none.csv", "none.jsonl", "none.parquet"):
        assert f"{name}: cannot be read: No such file" in refusal(Source(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", gzip.compress(b"a,at\n", mtime=0), "is packed by gzip: let its name end in .gz"),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfd\x24", "is packed by zstd, which is not read: unpack it"),
        ("a.csv.bz2", bz2.compress(b"a,at\n"), "is packed by bzip2"),
        ("a.csv.xz", lzma.compress(b"a,at\n"), "is packed by xz"),
        ("a.csv.zip", b"PK\x03\x04\x14\x00", "is a zip archive, or a spreadsheet"),
        ("a.jsonl", b"PAR1\x15\x04", "is a Parquet file: say --format parquet"),
    ],
    ids=["gzip", "zstd", "bzip2", "xz", "zip", "parquet"],
)
def test_what_is_packed_in_another_way_is_told_by_how_it_begins(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert f"{name}: {said}" in refusal(Source(tmp_path / name, columns=Columns("a", "at")))


@pytest.mark.parametrize("column", ["PAR1", "BZhours", "PK"])
def test_a_column_that_is_called_like_the_beginning_of_another_file_is_one(tmp_path: Path, column: str) -> None:
    file = write(tmp_path / "a.csv", f"{column},at\nx,2025-03-01\n")
    assert [event["account_id"] for event in values(Source(file, columns=Columns(column, "at")))] == ["x"]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("values", [[{"account_id": "x"}], {"events": [{"account_id": "x"}]}])
def test_one_json_document_is_no_json_lines(tmp_path: Path, values: object, indent: int | None) -> None:
    file = write(tmp_path / "a.json", json.dumps(values, indent=indent))
    assert ("is one JSON document; JSON lines are needed" in refusal(Source(file))) == (
        indent is not None or isinstance(values, list)
    )


def test_a_format_that_cannot_be_told_or_does_not_fit_is_refused(tmp_path: Path) -> None:
    assert "say --format" in refusal(Source(tmp_path / "history.txt"))
    assert Source(tmp_path / "history.txt", format=Format.CSV).resolved_format() is Format.CSV
    assert "as JSON lines" in refusal(Source(tmp_path / "b.csv", InputTopic.BILLING))


def test_several_files_come_out_in_one_order_of_time(tmp_path: Path) -> None:
    usage = write(
        tmp_path / "usage.csv", "account_id,occurred_at\na,2025-03-03\na,2025-03-01\na,2025-03-02\nb,2025-03-02\n"
    )
    accounts = write(tmp_path / "accounts.jsonl", '{"account_id":"a","updated_at":"2025-03-02T00:00:00Z"}\n')
    records = list(read_in_time_order([Source(accounts, InputTopic.ACCOUNTS), Source(usage)]))
    assert [(record.topic.value, record.account) for record in records] == [
        ("usage", "a"),
        ("accounts", "a"),
        ("usage", "a"),
        ("usage", "b"),
        ("usage", "a"),
    ]


def test_a_fault_at_the_end_of_a_file_shows_before_the_first_record_is_given_out(tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", "account_id,occurred_at\na,2025-03-01\n")
    bad = write(tmp_path / "bad.csv", "account_id,occurred_at\na,2025-03-01\na,soon\n")
    with pytest.raises(InputError):
        next(read_in_time_order([Source(good), Source(bad)]))


_CELLS = st.sampled_from(
    ["", " a ", "x" * 256, "x" * 257, "é" * 256, "\x01", "\x85", "\udcff", 'q"', "\\", "7", "0", "1.0"]
)


@given(st.fixed_dictionaries(dict.fromkeys(("account", "event", "user", "quantity", "id"), _CELLS)))
def test_a_row_is_taken_as_the_worker_takes_the_record_it_becomes(cells: dict[str, str]) -> None:
    columns = Columns("account", "at", user="user", event="event", quantity="quantity", id="id")
    named = {**cells, "at": "2025-03-01T12:00:00Z"}
    row = Row(2, [named[column] for column in columns.fields.values()])
    [found] = usage_fields(Path("f.csv"), "line", [row], columns, lambda cell: parse_instant(str(cell)))
    value = {field: named[column].strip() for field, column in columns.fields.items()}
    if not value["user_id"]:
        del value["user_id"]
    number = float(value["quantity"]) if value["quantity"] in {"7", "0", "1.0"} else 0.0
    try:
        read = decode(InputTopic.USAGE, json.dumps(value | {"quantity": int(number)}, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        read = Rejected(Reason.NOT_UTF8, None, "")
    if isinstance(found, BadRow):
        assert isinstance(read, Rejected)
    else:
        assert isinstance(read, UsageEvent)
        assert found == fields_of(read)
        again = decode(InputTopic.USAGE, usage_value(found))
        assert isinstance(again, UsageEvent)
        assert fields_of(again) == found
