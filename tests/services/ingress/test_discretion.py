"""What ingress tells about its work: enough to find a message by its id, and nothing of people or secrets."""

import json

from dev.embedded import NatsServer
from shared.bus import Bus
from tests.services.ingress.gateway import KEYS, LINE, TENANT, Gateway
from tests.services.ingress.table import TABLE
from tests.services.ingress.wire import (
    OTHER_TOKEN,
    SENDER,
    TOKEN,
    encoded,
    message,
    post,
    report,
    signature,
    twilio_posts,
)

PERSON_DIGITS = "4915207654321"
PRIVATE = {
    "the number": PERSON_DIGITS,
    "the name": "Zwetschgenkuchen",
    "the text": "Heliotropfarbe",
    "the user id": "13491208655302741918",
    "another field": "Quittengelee",
    "our number": SENDER.removeprefix("whatsapp:+"),
    "the token": TOKEN,
    "the other token": OTHER_TOKEN,
    **{f"the key {name}": key.hex() for name, key in KEYS.items()},
    **{f"the key {name} as bytes": key.decode() for name, key in KEYS.items()},
}

FORM = message(
    From=f"whatsapp:+{PERSON_DIGITS}",
    WaId=PERSON_DIGITS,
    ProfileName=PRIVATE["the name"],
    Body=PRIVATE["the text"],
    ExternalUserId=f"whatsapp:US.{PRIVATE['the user id']}",
    ButtonPayload=PRIVATE["another field"],
)


async def busy(gateway: Gateway) -> list[str]:
    """Let private words come everywhere where a request may carry them; return the signatures that were sent."""
    genuine, status = signature(FORM), report(To=f"whatsapp:+{PERSON_DIGITS}", ErrorMessage=PRIVATE["the text"])
    body, private = encoded(FORM), PRIVATE["the text"] + PERSON_DIGITS
    await gateway.twilio_posts(FORM)
    await gateway.twilio_posts(FORM)
    await gateway.twilio_posts(FORM, f"/{LINE}")
    await gateway.twilio_posts(status, "/status?attempt=at_1")
    await gateway.twilio_posts([*FORM, ("Body", "again")])
    await gateway.twilio_posts([*FORM[:-2], ("From", f"whatsapp:{PERSON_DIGITS}")])
    await gateway.takes(twilio_posts(FORM, token=private))
    await gateway.takes(post(body, private))
    await gateway.takes(post(body, genuine, path=f"/webhooks/twilio/{private}"))
    await gateway.takes(post(body, genuine, path=f"/{private}"))
    await gateway.takes(post(body, genuine, path=f"/webhooks/twilio?{private}"))
    await gateway.takes(post(body, genuine, path=f"/webhooks/twilio/status?attempt={private}"))
    await gateway.takes(post(body, genuine, method=PRIVATE["the text"]))
    await gateway.takes(post(body, genuine, Content_Type=private))
    await gateway.takes(post(body, genuine, Host=private, User_Agent=private, X_Forwarded_For=private, Cookie=private))
    await gateway.takes(post(body, genuine, Content_Length=private))
    await gateway.takes(post(body, genuine, Transfer_Encoding=private))
    await gateway.takes(post(body, genuine, traceparent=private, tracestate=f"a={private}", baggage=f"a={private}"))
    await gateway.takes(post(body + b"%ff", genuine))
    return [genuine, signature(FORM, token=private)]


async def test_neither_log_nor_metrics_nor_answers_show_people_or_secrets(own_gateway: Gateway) -> None:
    """
    No number, name, text, token, key or signature, at the most talkative level, wherever a request carried it.
    """
    signatures = await busy(own_gateway)
    shown = {
        "log": own_gateway.log.read_text(),
        "metrics": (await own_gateway.ops("/metrics")).body.decode(),
        "readiness": (await own_gateway.ops("/readyz")).body.decode(),
    }
    for place, text in shown.items():
        assert text, place
        found = [name for name, private in PRIVATE.items() if private in text]
        assert (place, found) == (place, [])
        assert (place, [one for one in signatures if one in text]) == (place, [])


async def test_the_stream_rests_on_disk_without_anything_that_people_said(
    own_gateway: Gateway, nats: NatsServer
) -> None:
    """
    Numbers, names and texts are sealed before they leave the process, and so are the accounts' tokens.
    """
    await own_gateway.twilio_posts(FORM)
    files = [file for file in (nats.directory / "jetstream").rglob("*") if file.is_file()]
    resting = b"".join(file.read_bytes() for file in files)
    assert dict(FORM)["MessageSid"].encode() in resting
    private = {name: word for name, word in PRIVATE.items() if name != "our number"}
    assert [name for name, word in private.items() if word.encode() in resting] == []


async def test_each_request_is_one_line_with_its_outcome_and_its_message_id(own_gateway: Gateway) -> None:
    """
    An operator who asks Twilio for a message's id finds here what became of it.
    """
    await own_gateway.twilio_posts(FORM)
    entries = [json.loads(line) for line in own_gateway.log.read_text().splitlines()]
    [entry] = [entry for entry in entries if entry["event"] == "webhook.answered"]
    assert (entry["outcome"], entry["status"], entry["level"]) == ("accepted", 200, "info")
    assert (entry["provider_sid"], entry["tenant"], entry["line"]) == (dict(FORM)["MessageSid"], TENANT, LINE)
    assert entry["ms"] >= 0


async def test_a_genuine_signature_over_a_mutated_form_is_a_warning(own_gateway: Gateway) -> None:
    """
    Somebody holds a captured request and works on it, or Twilio's contract has changed.
    """
    await own_gateway.twilio_posts(message(NumMedia="x"))
    entries = [json.loads(line) for line in own_gateway.log.read_text().splitlines()]
    [entry] = [entry for entry in entries if entry["event"] == "webhook.answered"]
    assert (entry["outcome"], entry["status"], entry["level"]) == ("mutated", 400, "warning")


async def test_refused_proofs_are_counted(own_gateway: Gateway) -> None:
    """
    Missing, forged and of unknown accounts: one figure to put an alert on.
    """
    for request in (
        post(encoded(FORM)),
        post(encoded(FORM), "forged"),
        twilio_posts(message(AccountSid="AC" + "9" * 32)),
    ):
        assert (await own_gateway.takes(request)).status == 403
    metrics = (await own_gateway.ops("/metrics")).body.decode()
    assert "trunkline_signature_failures_total 3.0" in metrics.splitlines()


async def test_strangers_cannot_make_metrics_grow(gateway: Gateway, stream: Bus) -> None:
    """
    What they send becomes no label: after every hostile request there are the known outcomes, and no more.
    """
    for hostile in TABLE:
        if not hostile.closes:
            await gateway.takes(hostile.request)
    metrics = (await gateway.ops("/metrics")).body.decode()
    lines = [line for line in metrics.splitlines() if line.startswith("trunkline_webhooks_total{")]
    assert 0 < len(lines) < 30
