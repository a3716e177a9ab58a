"""What people send beside text, on a line that takes it."""

from pathlib import Path

from tests.files import a_pdf
from tests.journeys.stack import Stack


async def test_a_pdf_from_a_phone_is_answered_from(stack: Stack, tmp_path: Path) -> None:
    """
    Once the line takes media; a picture gets a polite sentence, since the scripted model is not known to see.
    """
    menu = tmp_path / "Menu.pdf"
    menu.write_bytes(a_pdf("Soup of the day: pumpkin, 7 euros."))
    refused = stack.run("say", "--from", "+15550088", "--file", str(menu), "What is the soup?").stdout.strip()
    assert refused == "For now I only accept text messages."
    [line] = stack.told("lines", "list")["items"][:1]
    stack.run("lines", "set", line["id"], "--media")
    try:
        answer = stack.run("say", "--from", "+15550088", "--file", str(menu), "What is the soup?").stdout
        assert "Soup of the day: pumpkin, 7 euros." in answer
        answer = stack.run("say", "--from", "+15550088", "--image").stdout.strip()
        assert answer == "I cannot look at pictures. Please write to me what you would like to know."
    finally:
        stack.run("lines", "set", line["id"], "--no-media")
