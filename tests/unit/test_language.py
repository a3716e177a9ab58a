"""The language that a person writes."""

import pytest

from services.agent.language import Language, Sentence, language_of, sentence


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
def test_the_language_is_that_of_the_stop_words(text: str, language: Language) -> None:
    """
    What has none that are known is answered in English.
    """
    assert language_of([text]) == language


def test_what_was_written_before_counts_too() -> None:
    """
    A bare "ok" does not turn an Italian into an Englishman.
    """
    assert language_of(["Vorrei una camera per due notti", "ok"]) == Language.ITALIAN


@pytest.mark.parametrize("which", Sentence)
@pytest.mark.parametrize("language", Language)
def test_everything_can_be_said_in_every_language(which: Sentence, language: Language) -> None:
    """
    And is recognised as that language, or English would be said to an Italian.
    """
    greeting = {
        Language.ENGLISH: "what is this",
        Language.ITALIAN: "che cosa è questo",
        Language.SPANISH: "qué es esto y cuándo",
        Language.FRENCH: "qu'est-ce que c'est",
        Language.GERMAN: "was ist das",
        Language.PORTUGUESE: "o que é isto você",
    }[language]
    assert language_of([sentence(which, [greeting])]) == language
