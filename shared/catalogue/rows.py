"""The rows of a CSV or JSON file, each with the line that it begins on."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

T = TypeVar("T")

MOST_ROWS = 20_000
MOST_FAULTS = 50
"""So many of a file's faults are told."""

_LONGEST_PLACE = 100
_DELIMITERS = ",;\t|"
_WRAPPED = re.compile(r'\s*\{\s*"\w{1,64}"\s*:\s*(?=\[)')
_BETWEEN = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file. `line`: counted from 1. `field`: empty where it is the row. Never quotes what stands there."""

    line: int
    field: str
    problem: str


@dataclass(frozen=True)
class Row:
    """A row as it stands. `values`: by lower-case names; what is empty is not there."""

    line: int
    values: Mapping[str, Any]


class Broken(Exception):
    """A file that cannot be taken. `faults`: the first of them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)[:MOST_FAULTS]
        super().__init__(
            f"The file cannot be taken: {len(self.faults)} faults, the first of which in line {self.first}."
        )

    @property
    def first(self) -> int:
        """The first line with a fault."""
        return self.faults[0].line if self.faults else 1


def read_rows(text: str) -> list[Row]:
    """Return the rows of a JSON array, of an object that holds only one, or of CSV with a header. Raises Broken."""
    plain = text.removeprefix("\ufeff")
    rows = _from_json(plain) if plain.lstrip()[:1] in {"[", "{"} else _from_csv(plain)
    if len(rows) > MOST_ROWS:
        raise Broken([Fault(rows[MOST_ROWS].line, "", f"More than {MOST_ROWS:,} rows.")])
    return rows


def each(rows: Iterable[Row], read: Callable[[Mapping[str, Any]], T], key: Callable[[T], str]) -> list[T]:
    """Return what is read of every row. Raises Broken where one is not as it must be, or two have the same key."""
    faults: list[Fault] = []
    found: dict[str, T] = {}
    for row in rows:
        try:
            one = read(row.values)
        except ValidationError as error:
            faults += [Fault(row.line, _place(it["loc"]), it["msg"]) for it in error.errors()]
            continue
        if found.setdefault(key(one), one) is not one:
            faults.append(Fault(row.line, "", "A row before has the same id."))
    if faults:
        raise Broken(faults)
    return list(found.values())


def _place(names: Iterable[object]) -> str:
    """Return where something stands; a name that a file made up is shown as far as it can be."""
    return "".join(sign if sign.isprintable() else "?" for sign in ".".join(map(str, names)))[:_LONGEST_PLACE]


def _from_csv(text: str) -> list[Row]:
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if len({*names}) < len(names) or not all(names):
            raise Broken([Fault(1, "", "Each column needs a name of its own.")])
        rows, line = [], reader.line_num + 1
        for cells in reader:
            if len(cells) > len(names):
                raise Broken([Fault(line, "", "More cells than the header has.")])
            if any(cells):
                rows.append(Row(line, {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip()}))
            line = reader.line_num + 1
    except csv.Error:
        raise Broken([Fault(max(reader.line_num, 1), "", "Not CSV.")]) from None
    return rows


def _from_json(text: str) -> list[Row]:
    wrapped = _WRAPPED.match(text)
    at = wrapped.end() if wrapped else text.index(text.lstrip()[0])
    if text[at] != "[":
        raise Broken([Fault(1, "", "Not an array of objects.")])
    rows: list[Row] = []
    line, counted, at = 1, 0, at + 1
    try:
        while True:
            at = _end(text, at)
            line, counted = line + text.count("\n", counted, at), at
            if text[at : at + 1] == "]":
                return rows
            value, at = json.JSONDecoder().raw_decode(text, at)
            if not isinstance(value, dict):
                raise Broken([Fault(line, "", "Not an object.")])
            rows.append(Row(line, _named(value)))
    except json.JSONDecodeError as error:
        raise Broken([Fault(error.lineno, "", "Not JSON.")]) from None
    except (RecursionError, ValueError):  # digits without end are a ValueError
        raise Broken([Fault(line, "", "Not JSON that can be read.")]) from None


def _end(text: str, at: int) -> int:
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


def _named(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name.strip().lower(): inner for name, inner in value.items() if inner is not None and inner != ""}
