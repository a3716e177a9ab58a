"""Whatever is put into an address or a form of the console, it answers with a page: never an error of ours."""

from urllib.parse import quote

import pytest

from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import HERE, SignedIn
from tests.services.console.pages.test_doors import pages

NONSENSE = {
    "nul": "a\x00b",
    "the last day": "9999-12-31",
    "the first day": "0001-01-01",
    "negative": "-1",
    "huge number": "9" * 40,
    "script": "<script>alert(1)</script>",
    "right to left, and emoji": "\u202eשלום 😀",
    "long": "x" * 2_000,
}
_WHERE = ("tenant", "cursor")
"""Where one looks; what is none ends the page before it looks at anything else."""
_QUERY = (
    "tenant", "cursor", "seen", "since", "until", "status", "state", "reason", "direction", "channel",
    "provider_sid", "contact", "user", "errors", "agent", "platform", "role", "actor", "action", "object",
    "range", "table", "was", "next", "failed", "done", "code", "for", "q",
)  # fmt: skip
_FORM = (
    "tenant", "name", "email", "password", "old", "number", "words", "reason", "letter", "every", "done",
    "good", "text", "sender", "agent", "account_sid", "auth_token", "version", "reply_limit", "quiet_ms",
    "retention_days", "privacy", "role", "state", "scopes", "expires_at", "instructions", "memory_messages",
    "theme", "language", "pipeline", "draft", "setup_token", "code", "reply", "question", "secret", "kind",
)  # fmt: skip
_APART = {"/changes", "/sign-in/provider"}
"""A stream that goes on, and a way to somewhere else."""


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
async def test_no_address_breaks_a_page(signed_in: SignedIn, past: Past, nonsense: str) -> None:
    """
    Neither in the path nor as a parameter.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    for page in {page.path: page for page in pages(visitor.client) if "GET" in (page.methods or ())}.values():
        if page.path in _APART:
            continue
        path, *braces = page.path.split("{")
        if braces:
            answer = await visitor.client.get(_filled(page.path, nonsense))
            assert answer.status_code < 500, (page.path, answer.status_code)
            continue
        for names in (_WHERE[:1], _WHERE[1:], _QUERY):
            answer = await visitor.client.get(path, params=dict.fromkeys(names, nonsense))
            assert answer.status_code < 500, (path, names, answer.status_code)


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
async def test_no_form_breaks_a_page(signed_in: SignedIn, past: Past, nonsense: str) -> None:
    """
    With the same in every field; forms of one thing are sent to a thing that is there.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    await visitor.get("/messages")
    for page in pages(visitor.client):
        if "POST" in (page.methods or ()) and page.path not in {"/sign-out", "/profile/password"}:
            form = {"token": visitor.token} | dict.fromkeys(_FORM, nonsense)
            answer = await visitor.client.post(_there(page.path), data=form, headers={"Origin": HERE})
            assert answer.status_code < 500, (page.path, answer.status_code)


def _filled(path: str, value: str) -> str:
    """Return a page's address with this in place of each of its parameters."""
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + quote(value, safe="") + rest.partition("}")[2]
    return path


def _there(path: str) -> str:
    """Return a form's address, of a thing of the first company's."""
    ids = {
        "line": "ln_one", "agent": "ag_one", "conversation": "cv_one", "contact": "ct_one", "message": "msg_one1",
        "account": "cr_one", "user": "us_one", "tenant": "tn_one", "chat": f"ch_{'0' * 32}",
    }  # fmt: skip
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    return _filled(path, "none")
