"""Tables as CSV that a spreadsheet can open without harm: no cell is a formula (safety.md, section 2)."""

import csv
import io
from collections.abc import Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Sequence[Any]) -> str:
    """Return one line; what is missing is an empty cell."""
    line = io.StringIO()
    csv.writer(line).writerow([_neutral(cell) for cell in cells])
    return line.getvalue()


def _neutral(cell: Any) -> Any:  # noqa: ANN401 - whatever a cell holds
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
