"""What account work keeps to itself: an account's answer holds its auth token, and whoever asks must not tell it."""

import json
import traceback

import aiohttp
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.channels.line_setup import Severity
from shared.channels.whatsapp_twilio.account import WhatsAppTwilioAccount
from shared.channels.whatsapp_twilio.http import TwilioHttp
from shared.channels.whatsapp_twilio.login import AccountRecord
from shared.channels.whatsapp_twilio.rest import API, NotAnswered, TwilioRest
from tests.conformance.conftest import CREDENTIALS, TOKEN
from tests.conformance.documents import KEY, OK, SENDER, SENDERS, THEIR_TOKEN, WANTED, account_document
from tests.conformance.provider import Provider, answer


def test_credentials_do_not_show_their_secret() -> None:
    """
    Nor the key's name, which with the secret is a login.
    """
    assert repr(KEY) == f"Credentials(account_sid={CREDENTIALS.account_sid})"


TOLD_WITH_TOKEN = [
    pytest.param(OK, id="the-account"),
    pytest.param(answer(200, account_document(status=1)), id="an-account-of-another-form"),
    pytest.param(answer(200, [account_document()]), id="a-list"),
    pytest.param(answer(200, json.dumps(account_document())[:-1]), id="broken-json"),
    pytest.param(answer(200, json.dumps(account_document()), length=9), id="half-an-answer"),
    pytest.param(answer(401, account_document(code=20003)), id="a-refusal"),
    pytest.param(answer(400, account_document(code=20001, message=THEIR_TOKEN)), id="another-refusal"),
    pytest.param(answer(500, account_document()), id="a-server-error"),
    pytest.param(answer(200, {"accounts": [account_document(status=1)]}), id="a-list-of-another-form"),
]


@pytest.mark.parametrize("told", TOLD_WITH_TOKEN)
async def test_the_token_in_an_accounts_answer_goes_nowhere(
    told: bytes,
    account: WhatsAppTwilioAccount,
    provider: Provider,
    spans: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    Not into results, log records at any level, spans, nor what is kept between calls.
    """
    caplog.set_level(1)
    provider.script.extend([told] * 3)
    said: list[object] = [await account.test_connection(CREDENTIALS)]
    said += await account.inspect(CREDENTIALS, sender=SENDER, wanted=WANTED)
    said.append(await account.provision(CREDENTIALS, sender=SENDER, wanted=WANTED))
    records = [f"{it.getMessage()} {it.args} {it.exc_info} {it.exc_text}" for it in caplog.records]
    finished = [span.to_json() for span in spans.get_finished_spans()]
    assert len(finished) >= 3
    everything = "\n".join([*map(repr, said), repr(vars(account)), *records, *finished])
    assert [word for word in (THEIR_TOKEN, TOKEN) if word in everything] == []


@pytest.mark.parametrize("told", TOLD_WITH_TOKEN[1:])
async def test_what_stops_account_work_carries_no_answer(told: bytes, provider: Provider) -> None:
    """
    The error that rises inside has no cause, no context, and no frame that holds what came.
    """
    provider.script.extend([told] * 2)
    async with aiohttp.ClientSession() as session:
        rest = TwilioRest(TwilioHttp(session, provider.url), CREDENTIALS, 0.5)
        with pytest.raises(NotAnswered) as one:
            await rest.get(AccountRecord, rest.account_url(""))
        with pytest.raises(NotAnswered) as many:
            _ = [it async for it in rest.each(AccountRecord, "accounts", f"{API}.json", {})]
    for raised in (one.value, many.value):
        assert (raised.__cause__, raised.__context__) == (None, None)
        frames = [frame for frame, _ in traceback.walk_tb(raised.__traceback__)][1:]
        assert frames
        assert THEIR_TOKEN not in repr([[*frame.f_locals.values()] for frame in frames]) + repr(raised)


async def test_findings_name_no_number(account: WhatsAppTwilioAccount, provider: Provider) -> None:
    """
    They may be logged.
    """
    provider.script.extend([OK, answer(200, SENDERS), answer(200, {"services": []}), answer(200, {"alerts": []})])
    found = await account.inspect(CREDENTIALS, sender=SENDER, wanted=WANTED)
    assert [it for it in found if it.severity is not Severity.OK]
    assert "5005550010" not in repr(found)
