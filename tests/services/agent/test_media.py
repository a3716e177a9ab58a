"""What people send beside text, on a line that takes it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from dev.simulator.world import PICTURE
from services.agent.llm_port import Completion, Said
from services.agent.media.attachments import Attachments
from services.agent.media.vision import Vision
from services.agent.sentences import APOLOGY, Sentence, sentence
from shared.store.session import Store
from shared.telemetry import MEDIA_READ
from tests.fakes.media import FakeMedia, FakeTranscriber
from tests.fakes.model import echo
from tests.files import a_pdf
from tests.services.agent.test_agent import Desks, MakeDesks, desks
from tests.services.desk import LINE

__all__ = ["desks"]

MakeTakers = Callable[..., Awaitable[tuple[Desks, FakeMedia]]]

OGG = b"OggS" + bytes(100)
ALL = Vision(frozenset("*"))
FILE, OTHER = f"ME{0:032x}", f"ME{1:032x}"


def texts(messages: list[Said], _tools: list[Said]) -> Completion:
    """Answer with what the person said, and how many pictures were seen."""
    content = messages[-1]["content"]
    if isinstance(content, str):
        return Completion(f"Read: {content}")
    return Completion(f"Seen {len(content) - 1}: {content[0]['text']}")


@pytest.fixture
def takers(desks: MakeDesks) -> MakeTakers:
    """Start an agent on a line that takes media, with these files at Twilio."""

    async def build(
        *files: bytes | str,
        hears: FakeTranscriber | None = None,
        vision: Vision = ALL,
        script: Any = texts,
        **more: Any,
    ) -> tuple[Desks, FakeMedia]:
        here = await desks(script, **more)
        media = FakeMedia({f"ME{number:032x}": file for number, file in enumerate(files)})
        here.agent.attachments = Attachments(here.agent.turns, {"twilio/whatsapp": media}, hears)
        here.agent.vision = vision
        await here.rows("update line set media = true returning 1")
        return here, media

    return build


async def test_a_pdf_is_read_and_remembered(takers: MakeTakers) -> None:
    """
    It is fetched once: the next turn knows what was in it.
    """
    here, media = await takers(a_pdf("A double room costs 120 euros."), burst=0, script=echo)
    ann = here.person()
    await ann.writes("What does it cost?", sent=["application/pdf"])
    [first] = await here.replies(ann, 1)
    assert "What does it cost?" in first
    assert "A double room costs 120 euros." in first
    await ann.writes("And for two nights?")
    await here.replies(ann, 2)
    assert "A double room costs 120 euros." in str(here.model.told[1][:-1])
    assert len(media.asked) == 1


async def test_a_turn_that_starts_over_looks_at_nothing_twice(takers: MakeTakers) -> None:
    """
    What was read in a file is told again, with what was written meanwhile.
    """
    here, media = await takers(b"Soup: 7 euros", script=echo)
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("", sent=["text/plain"])
    await here.told(1)
    await ann.writes("What is the soup?")
    await here.told(2)
    here.model.gate.set()
    [reply] = await here.replies(ann, 1)
    assert "Soup: 7 euros" in reply
    assert "What is the soup?" in reply
    assert len(media.asked) == 1


async def test_a_voice_message_is_what_the_person_wrote(takers: MakeTakers) -> None:
    """
    Word for word, whatever it was said to be.
    """
    hears = FakeTranscriber()
    here, _ = await takers(OGG, hears=hears)
    ann = here.person()
    await ann.writes("", sent=["application/octet-stream"])
    assert await here.replies(ann, 1) == ["Read: What time is breakfast?"]
    assert [it.media_type for it in hears.heard_forms] == ["audio/ogg"]


async def test_a_picture_is_shown_to_a_model_that_sees(takers: MakeTakers) -> None:
    """
    As data, in what was written last; no address of it leaves us.
    """
    here, _ = await takers(PICTURE)
    ann = here.person()
    await ann.writes("What is this?", sent=["image/png"])
    assert await here.replies(ann, 1) == ["Seen 1: What is this?\n\n(A picture that the person sent.)"]
    [told] = here.model.told
    assert told[-1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert "twilio.com" not in str(told)


@pytest.mark.parametrize(
    ("file", "kind", "said"),
    [
        (PICTURE, "image/png", Sentence.MEDIA_UNSEEN),
        (OGG, "audio/ogg", Sentence.MEDIA_UNHEARD),
        (b"\0\0\0\x18ftypmp42", "video/mp4", Sentence.MEDIA_UNREADABLE),
        (b"\0\1\2\3", "application/pdf", Sentence.MEDIA_UNREADABLE),
        ("too_large", "application/pdf", Sentence.MEDIA_UNREADABLE),
        ("gone", "application/pdf", Sentence.MEDIA_UNREADABLE),
    ],
    ids=["a picture", "a voice message", "a film", "no document", "too large", "gone"],
)
async def test_what_nobody_can_look_at_gets_a_polite_sentence(
    takers: MakeTakers, file: bytes | str, kind: str, said: Sentence
) -> None:
    """
    The model is not asked, and nobody has a dead letter to work on.
    """
    here, _ = await takers(file, vision=Vision())
    ann = here.person()
    await ann.writes("", sent=[kind])
    assert await here.replies(ann, 1) == [await sentence(said)]
    assert here.model.told == []
    assert await here.rows("select 1 from dead_letter") == []


async def test_where_twilio_cannot_be_asked_there_is_an_apology_and_work(takers: MakeTakers) -> None:
    """
    It can be tried again.
    """
    here, _ = await takers("unavailable")
    ann = here.person()
    await ann.writes("", sent=["application/pdf"])
    assert await here.replies(ann, 1) == [APOLOGY]
    assert await here.rows("select reason from dead_letter") == [{"reason": "media_unavailable"}]


async def test_beside_words_the_model_is_told_what_could_not_be_looked_at(takers: MakeTakers) -> None:
    """
    The words are answered all the same.
    """
    here, _ = await takers("gone", vision=Vision())
    ann = here.person()
    await ann.writes("Is this right?", sent=["application/pdf"])
    [reply] = await here.replies(ann, 1)
    assert reply.startswith(
        "Read: Is this right?\n\n(Something that the person sent cannot be looked at: it is not there"
    )


async def test_a_model_that_does_not_see_answers_the_words_beside_a_picture(takers: MakeTakers) -> None:
    """
    And knows that there is one.
    """
    here, _ = await takers(PICTURE, vision=Vision(frozenset({"another"}), "fake"))
    ann = here.person()
    await ann.writes("Do you have this?", sent=["image/png"])
    [reply] = await here.replies(ann, 1)
    assert reply.startswith("Read: Do you have this?")
    assert "You cannot see the picture." in reply


async def test_a_turn_looks_at_ten_things_at_most(takers: MakeTakers) -> None:
    """
    However many one message may name.
    """
    here, media = await takers(*["gone"] * 12)
    ann = here.person()
    await ann.writes("What are these?", sent=["text/plain"] * 12)
    [reply] = await here.replies(ann, 1)
    assert len(media.asked) == reply.count("it is not there") == 10
    assert reply.count("there was too much at once") == 2


async def test_an_agent_reads_the_login_of_lines_that_take_media_alone(takers: MakeTakers, agent_store: Store) -> None:
    """
    In a turn of theirs: not the table, no other tenant's, and nothing once the line takes none any more.
    """
    here, media = await takers(b"Hello")
    ann = here.person()
    await ann.writes("", sent=["text/plain"])
    await here.replies(ann, 1)
    [(_, login)] = media.asked
    assert (login.account_sid.startswith("AC"), login.secret) == (True, "token")

    async def seen(*scope: Any) -> list[Any]:
        async with agent_store.connection(*scope) as connection:
            return await (await connection.execute("select * from media_credential")).fetchall()

    assert [it["line_id"] for it in await seen("tn_test")] == [LINE]
    assert await seen("tn_second") == []
    await here.rows("update line set media = false returning 1")
    assert await seen("tn_test") == []
    async with agent_store.connection() as connection:
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute("select * from credential")


async def test_with_an_api_key_the_auth_token_stays_out_of_reach(takers: MakeTakers, agent_store: Store) -> None:
    """
    A key can be restricted and withdrawn; the token signs webhooks.
    """
    here, _ = await takers()
    await here.rows("update credential set key_sid = 'SK1', sealed_key = 'x' returning 1")
    async with agent_store.connection("tn_test") as connection:  # type: ignore[arg-type]
        [row] = await (await connection.execute("select sealed_secret, key_sid from media_credential")).fetchall()
    assert row == {"sealed_secret": None, "key_sid": "SK1"}


async def test_what_was_sent_rests_sealed_and_no_file_is_kept(takers: MakeTakers) -> None:
    """
    Neither where it is nor what it says stands in a row as it is.
    """
    here, _ = await takers(b"A secret recipe")
    ann = here.person()
    await ann.writes("", sent=["text/plain"])
    await here.replies(ann, 1)
    [row] = await here.rows("select sealed_media, sealed_contents from message")
    assert b"twilio" not in bytes(row["sealed_media"])
    assert b"secret" not in bytes(row["sealed_contents"])


async def test_the_log_tells_what_kind_it_was_and_nothing_else_of_it(takers: MakeTakers) -> None:
    """
    Neither what it says nor where it is.
    """
    with structlog.testing.capture_logs() as logs:
        here, media = await takers(b"A secret recipe")
        ann = here.person()
        await ann.writes("", sent=["text/plain"])
        await here.replies(ann, 1)
    [told] = [line for line in logs if line["event"] == MEDIA_READ]
    assert (told["kind"], told["bytes"], told["reason"]) == ("file", 15, None)
    [(url, _)] = media.asked
    assert [line for line in logs if "secret" in str(line) or url in str(line)] == []
