"""What a company sells, and what somebody ordered, is looked up for whoever asks from a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.stack import Stack

ANN, BOB = "+15550171", "+15550172"
PRODUCTS = "id,name,price,currency\nb1,Red bicycle,199.50,EUR\n"
ORDERS = f"number,status,phone\n1001,on its way,{ANN}\n"


@pytest.fixture
def selling(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """The stack, while its company sells a bicycle and has an order."""
    sources = []
    for name, content, words in (
        ("products.csv", PRODUCTS, ("catalogue", "import", "--kind", "product")),
        ("orders.csv", ORDERS, ("orders", "import")),
    ):
        (tmp_path / name).write_text(content)
        sources.append((words[0], stack.told(*words, str(tmp_path / name))["id"]))
    yield stack
    for noun, source in sources:
        stack.run(noun, "remove", source, "--yes")


def said(stack: Stack, person: str, text: str) -> str:
    return stack.run("say", "--from", person, text).stdout.strip()


def test_a_product_and_an_order_are_looked_up(selling: Stack) -> None:
    """
    However the product is spelt; the order for whose it is, and for nobody else.
    """
    assert '"name":"Red bicycle","price":199.5,"currency":"EUR"' in said(selling, ANN, "find: red bycicle")
    assert '"status":"on its way"' in said(selling, ANN, "order: 1001")
    other, none = said(selling, BOB, "order: 1001"), said(selling, BOB, "order: 9999")
    assert other == none == "order_status says: No such order of this person is known."


def test_without_a_source_nothing_is_looked_up(stack: Stack) -> None:
    """
    The tools are not even offered.
    """
    assert said(stack, BOB, "find: bicycle") == "You said: find: bicycle"
