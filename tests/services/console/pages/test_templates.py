"""What templates may not do, and that every text is there in every language."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from services.console import pages
from services.console.pages.language import FOLDER, LANGUAGES, chosen

_PAGES = Path(pages.__file__).parent
TEMPLATES = sorted((_PAGES / "templates").glob("*.html"))
CATALOGUES = sorted(set(LANGUAGES) - {"en"})


def _texts() -> set[object]:
    found = extract_from_dir(
        _PAGES,
        method_map=[("**.py", "python"), ("**.html", "jinja2")],
        keywords={"_": None, "ngettext": (1, 2)},
    )
    return {message for _, _, message, _, _ in found}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda it: it.name)
def test_templates_have_nothing_that_the_policy_forbids(template: Path) -> None:
    """
    No style of its own, no handler, nothing that htmx would evaluate, no script but files.
    """
    text = template.read_text()
    for pattern in (
        r"\sstyle=",
        r"hx-on",
        r"\son[a-z]+=",
        r"\bjs:",
        r"javascript:",
        r"hx-trigger=\"[^\"]*\[",
        r"\|\s*safe",
    ):
        assert not re.search(pattern, text), f"{pattern} in {template.name}"
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda it: it.name)
def test_what_has_hx_attributes_carries_the_nonce(template: Path) -> None:
    """
    Before them, as `{{ hx() }}`: hx-csp takes the attributes of others away.
    """
    text = template.read_text()
    for found in re.finditer(r"\shx-[a-z:]+=", text):
        tag = text[text.rindex("<", 0, found.start()) : found.start()]
        assert "{{ hx() }}" in tag, f"{template.name}: {tag}"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda it: it.name)
def test_forms_that_post_carry_the_token(template: Path) -> None:
    """
    But for those of people who have no session yet.
    """
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", template.read_text(), re.DOTALL):
        assert "token(view)" in form or template.name in {"sign_in.html", "first_run.html"}, template.name


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_text_is_there_in_every_language(language: str) -> None:
    """
    And none that is not used any more. Add it to `services/console/pages/locale`.
    """
    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    translated = {message.id for message in catalogue if message.id and all(_strings(message.string))}
    assert translated == _texts()


@pytest.mark.parametrize("language", CATALOGUES)
def test_translations_name_the_same_values(language: str) -> None:
    """
    A value that is missing from a translation would fail the page.
    """
    with (FOLDER / f"{language}.po").open("rb") as file:
        for message in read_po(file, locale=language):
            for text in _strings(message.string) if message.id else ():
                original = message.id if isinstance(message.id, str) else message.id[0]
                assert set(re.findall(r"%\(\w+\)\w", text)) == set(re.findall(r"%\(\w+\)\w", original)), original


def _strings(value: str | Sequence[str] | None) -> Sequence[str]:
    return (value or "",) if value is None or isinstance(value, str) else value


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "it-IT,it;q=0.9,en;q=0.8", "it"),
        (None, "fr, de", "en"),
        ("it", "en", "it"),
        ("xx", "it", "it"),
    ],
)
def test_the_language_is_what_was_chosen_else_the_browsers(cookie: str | None, accepted: str, language: str) -> None:
    """
    English where we have none of them.
    """
    assert chosen(cookie, accepted) == language
