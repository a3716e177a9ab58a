"""Files of products, listings and orders: how they are read, and what is said of broken ones."""

import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import Pepper
from shared.catalogue import Broken, read_items, read_orders
from shared.catalogue.orders import Customers, international
from shared.catalogue.rows import MOST_ROWS, read_rows
from shared.ids import TenantId

ONE, OTHER = TenantId("tn_one"), TenantId("tn_other")


def faults(read: Callable[[str], object], text: str) -> list[tuple[int, str]]:
    with pytest.raises(Broken) as broken:
        read(text)
    return [(fault.line, fault.field) for fault in broken.value.faults]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_read_whatever_parts_its_cells(delimiter: str) -> None:
    """
    With a byte order mark, and names in any case.
    """
    text = "\ufeffID,Name,Price,Colour\n1,Chair,10,red\n".replace(",", delimiter)
    [item] = read_items(text, "EUR")
    assert (item.id, item.name, item.price, item.currency, item.attributes) == (
        "1", "Chair", Decimal(10), "EUR", {"colour": ["red"]},
    )  # fmt: skip


def test_json_is_an_array_or_an_object_that_holds_one() -> None:
    """
    Numbers, truths and lists are values of attributes too, and nothing is no value.
    """
    row = {
        "id": 7,
        "name": "House",
        "price": 250000.5,
        "rooms": 3,
        "garden": True,
        "near": ["school", "park"],
        "x": None,
    }
    for told in ([row], {"items": [row]}):
        [item] = read_items(json.dumps(told))
        assert item.attributes == {"rooms": ["3"], "garden": ["yes"], "near": ["school", "park"]}
        assert item.numbers == {"rooms": 3.0}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"price": "19.90 EUR"}, (Decimal("19.90"), "EUR", True)),
        ({"price": "19,90"}, (Decimal("19.90"), "USD", True)),
        ({"price": 5, "currency": "chf"}, (Decimal(5), "CHF", True)),
        ({"availability": "out of stock"}, (None, None, False)),
        ({"available": "yes"}, (None, None, True)),
        ({"in_stock": False}, (None, None, False)),
    ],
)
def test_prices_and_stock_are_understood_as_shops_write_them(row: dict[str, object], expected: object) -> None:
    """
    A currency that is not told is the source's.
    """
    [item] = read_items(json.dumps([{"id": "1", "title": "Chair", **row}]), "USD")
    assert (item.price, item.currency, item.available) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,name,price\n1,Chair,10\n2,,10\n3,Table,ten\n", [(3, "name"), (4, "price")]),
        ('id,name\n1,"Two\nlines"\n,Chair\n', [(4, "id")]),
        ("id,name\n1,Chair\n1,Table\n", [(3, "")]),
        ("id,name\n1,Chair,red\n", [(2, "")]),
        ("id,id\n1,1\n", [(1, "")]),
        ('id,name\n1,"Chair\n', [(2, "")]),
        ("id,name,url\n1,Chair,javascript:alert(1)\n", [(2, "url")]),
        ('[{"id": "1", "name": "Chair"},\n {"id": "2"}]', [(2, "name")]),
        ('[{"id": "1", "name": "a", "size": {"x": 1}}]', [(1, "attributes.size")]),
        ('[\n{"id": "1", "name": "a"},\n{"id": ]', [(3, "")]),
        ('[\n{"id": "1", "name": "a"},\n5]', [(3, "")]),
        ("[" * 100_000, [(1, "")]),
        ('{"items": {}}', [(1, "")]),
        ('[{"id": "1", "name": "a\\u0000b"}]', [(1, "name")]),
        ('[{"id": "1", "name": "a\\ud800"}]', [(1, "name")]),
        ('[{"id": "1", "name": "a", "\\u0000x": {}}]', [(1, "attributes.?x.[key]"), (1, "attributes.?x")]),
    ],
)
def test_what_is_wrong_is_told_by_line_and_field(text: str, expected: list[tuple[int, str]]) -> None:
    """
    All of it, not the first alone; and never what stands there.
    """
    assert faults(read_items, text) == expected


def test_there_is_an_end_to_a_file() -> None:
    """
    The row that is too much is named.
    """
    text = "id\n" + "".join(f"{n}\n" for n in range(MOST_ROWS + 1))
    assert faults(read_rows, text) == [(MOST_ROWS + 2, "")]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """
    Nothing else comes of it.
    """
    for read in (read_items, read_orders):
        with suppress(Broken):
            read(text)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"phone": "0333 1234567"}, [(1, "")]),
        ({"phone": "nonsense", "country": "IT"}, [(1, "")]),
        ({}, [(1, "")]),
        ({"email": "nobody"}, [(1, "email")]),
    ],
)
def test_an_order_is_somebodys(row: dict[str, str], expected: list[tuple[int, str]]) -> None:
    """
    By a phone number that can be told from others, or an e-mail address.
    """
    assert faults(read_orders, json.dumps([{"number": "1", "status": "paid", **row}])) == expected


def test_an_order_keeps_nothing_of_its_customer() -> None:
    """
    Nor what no field of ours is for.
    """
    row = {"number": "1", "status": "paid", "phone": "0333 1234567", "email": "ann@example.org", "street": "Via Roma"}
    [order] = read_orders(json.dumps([row]), "IT")
    assert order.order.told() == {"number": "1", "status": "paid"}


@pytest.mark.parametrize(
    ("phone", "country", "address"),
    [
        ("+39 333 123 4567", None, "whatsapp:+393331234567"),
        ("333 1234567", "IT", "whatsapp:+393331234567"),
        ("(415) 523-8886", "US", "whatsapp:+14155238886"),
        ("11 98765-4321", "BR", "whatsapp:+551187654321"),
    ],
)
def test_a_customer_is_known_however_the_number_is_written(phone: str, country: str | None, address: str) -> None:
    """
    Also where the channel writes it as it was in older times; and never as another company's.
    """
    pepper = Pepper(b"p" * 32)
    written = set(Customers(pepper, ONE).written(phone, None, country))
    assert written & Customers(pepper, ONE).known(address, None)
    assert not written & Customers(pepper, OTHER).known(address, None)
    assert not written & Customers(pepper, ONE).known("whatsapp:+14155550000", "ann@example.org")


def test_a_customer_is_known_by_keys_of_older_peppers() -> None:
    """
    As long as they are in the ring.
    """
    old, ring = Pepper(b"p" * 32), Pepper(b"q" * 32, 2, [b"p" * 32])
    written = set(Customers(old, ONE).written("+14155238886", "Ann@Example.org"))
    known = Customers(ring, ONE).known("whatsapp:+14155238886", "ann@example.org")
    assert written <= known
    assert international("+14155238886", None) == "+14155238886"
