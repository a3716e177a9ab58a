"""What an agent was given to read, it answers from."""

from pathlib import Path

from tests.eventually import eventually
from tests.files import a_pdf
from tests.journeys.stack import Stack


async def test_a_price_list_is_sent_and_an_answer_quotes_it(stack: Stack, tmp_path: Path) -> None:
    """
    A PDF goes to the console; a question from a phone is answered from it, with its name below; once it is removed, it is not.
    """
    file = tmp_path / "Prices 2026.pdf"
    file.write_bytes(a_pdf("A double room costs 120 euros, breakfast included."))
    document = stack.told("knowledge", "add", str(file))["id"]

    async def is_ready() -> bool:
        [shown] = [it for it in stack.told("knowledge", "list")["items"] if it["id"] == document]
        return bool(shown["state"] == "ready")

    await eventually(is_ready)
    assert stack.told("knowledge", "index", document)["generation"] == 1
    await eventually(is_ready)
    try:
        [found] = stack.told("knowledge", "search", "double room")["passages"]
        assert (found["document"], found["page"]) == ("Prices 2026.pdf", 1)
        answer = stack.run("say", "--from", "+15550077", "What does a double room cost?").stdout.strip()
        assert answer.startswith("Prices 2026.pdf says: A double room costs 120 euros, breakfast included.")
        assert answer.endswith("*Sources:*\n1) Prices 2026.pdf")
    finally:
        stack.run("knowledge", "remove", document, "--yes")
    answer = stack.run("say", "--from", "+15550078", "What does a double room cost?").stdout.strip()
    assert answer == "You said: What does a double room cost?"
