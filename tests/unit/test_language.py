"""The language that a person writes."""

import pytest

from services.agent.language import language_of
from services.agent.sentences import Language, Sentence, sentence, spoken


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What time is breakfast?", Language.ENGLISH),
        ("Buongiorno, quanto costa una camera doppia?", Language.ITALIAN),
        ("a che ora aprite domani", Language.ITALIAN),
        ("Hola, ¿tienen habitaciones para mañana?", Language.SPANISH),
        ("Bonjour, est-ce que vous avez une chambre ?", Language.FRENCH),
        ("Guten Tag, haben Sie noch ein Zimmer frei?", Language.GERMAN),
        ("Olá, vocês têm quartos para amanhã?", Language.PORTUGUESE),
        ("四月の部屋はありますか", Language.ENGLISH),
        ("12345 👍", Language.ENGLISH),
        ("", Language.ENGLISH),
    ],
)
async def test_a_person_is_spoken_to_in_their_language(text: str, language: Language) -> None:
    """
    What is too short to tell, or in a language that we have no sentences in, is answered in English.
    """
    assert await spoken([text]) == language


async def test_what_was_written_before_counts_too() -> None:
    """
    A bare "ok" does not turn an Italian into an Englishman.
    """
    assert await spoken(["Vorrei una camera per due notti", "ok"]) == Language.ITALIAN


async def test_the_newest_decides_where_it_can() -> None:
    """
    Whoever changes to another language is followed at once.
    """
    before = "Vorrei una camera per due notti, con colazione e vista sul mare"
    assert await language_of([before, "Do you have a room for two nights?"], ["it", "en"]) == "en"


async def test_other_languages_are_known_as_what_they_are() -> None:
    """
    A branch may name one that we have no sentences in; nothing is told of nothing.
    """
    assert await language_of(["四月の部屋はありますか"], ["en"]) == "ja"
    assert await language_of([], ["en"]) is None


@pytest.mark.parametrize("which", Sentence)
@pytest.mark.parametrize("language", Language)
async def test_everything_can_be_said_in_every_language(which: Sentence, language: Language) -> None:
    """
    And is recognised as that language, or English would be said to an Italian.
    """
    greeting = {
        Language.ENGLISH: "What is this, please?",
        Language.ITALIAN: "Che cosa è questo, per favore?",
        Language.SPANISH: "¿Qué es esto y cuándo abren?",
        Language.FRENCH: "Qu'est-ce que c'est, s'il vous plaît ?",
        Language.GERMAN: "Was ist das bitte?",
        Language.PORTUGUESE: "O que é isto, você sabe?",
    }[language]
    assert await spoken([await sentence(which, [greeting])]) == language
