"""Signatures are over the configured address, whatever its host, port and path; requests come to ours."""

from pathlib import Path

import pytest

from dev.embedded import NatsServer
from services.ingress.settings import IngressSettings
from shared.bus import Bus
from shared.settings import from_env
from tests.services.ingress.gateway import LINE, Gateway, running, stored
from tests.services.ingress.wire import PUBLIC_URL, encoded, message, post, report, signature


@pytest.mark.parametrize(
    ("configured", "signed_over"),
    [
        pytest.param("https://other.example.net/webhooks/twilio", (), id="another-host"),
        pytest.param("https://gateway.example.org/api/v2/hooks", (), id="another-path"),
        pytest.param("https://gateway.example.org/hooks/", (), id="a-path-that-ends-in-a-slash"),
        pytest.param(
            "https://gateway.example.org:8443/webhooks/twilio",
            ("https://gateway.example.org/webhooks/twilio",),
            id="a-port",
        ),
        pytest.param(
            "http://gateway.example.org/webhooks/twilio", ("http://gateway.example.org:80/webhooks/twilio",), id="http"
        ),
        pytest.param(
            "https://gateway.example.org/hooks#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000",
            ("https://gateway.example.org:443/hooks",),
            id="a-fragment",
        ),
        pytest.param("http://[::1]:18080/webhooks/twilio", (), id="an-address-of-figures"),
    ],
)
async def test_the_configured_address_is_what_was_signed(
    shared_nats: NatsServer, stream: Bus, tmp_path: Path, configured: str, signed_over: tuple[str, ...]
) -> None:
    """
    Messages, a line's own path and callbacks with their queries: the configured address stands for ours in all of them.
    """
    bare = configured.partition("#")[0]
    async with running(Gateway(shared_nats, tmp_path, configured)) as gateway:
        for url in (bare, *signed_over):
            for suffix in ("", f"/{LINE}"):
                form = message()
                request = post(encoded(form), signature(form, url + suffix), path="/webhooks/twilio" + suffix)
                assert (await gateway.takes(request)).is_taken, url + suffix
            form, suffix = report(), "/status?attempt=at_1&x=%20"
            request = post(encoded(form), signature(form, url + suffix), path="/webhooks/twilio" + suffix)
            assert (await gateway.takes(request)).status == 204
        before = await stored(stream)
        for wrong in ("https://evil.example.com/webhooks/twilio", f"http://127.0.0.1:{gateway.port}/webhooks/twilio"):
            form = message()
            request = post(encoded(form), signature(form, wrong), Host=wrong.split("/")[2])
            assert (await gateway.takes(request)).status == 403
        assert await stored(stream) == before


async def test_the_paths_served_stay_ours_whatever_is_configured(
    shared_nats: NatsServer, stream: Bus, tmp_path: Path
) -> None:
    """
    A proxy rewrites the public path to ours; here the public one is unknown.
    """
    configured = "https://gateway.example.org/api/hooks"
    async with running(Gateway(shared_nats, tmp_path, configured)) as gateway:
        form = message()
        request = post(encoded(form), signature(form, configured), path="/api/hooks")
        assert (await gateway.takes(request)).status == 404


async def test_a_signed_query_on_a_message_counts(gateway: Gateway, stream: Bus) -> None:
    """
    Whoever configures the address at Twilio with a query has it signed, exactly as it is sent.
    """
    for query in ("?a=b", "?a=%2F&A=+", "?a", "?a=b&a=b"):
        assert (await gateway.twilio_posts(message(), query)).is_taken


@pytest.mark.parametrize(
    "configured",
    [
        None,
        "",
        "gateway.example.org/webhooks/twilio",
        "ftp://gateway.example.org/webhooks/twilio",
        "https://ann:secret@gateway.example.org/webhooks/twilio",
        f"{PUBLIC_URL}?tenant=secret",
        "https://gateway.example.org/web hooks",
        "https://gateway.example.org/%74wilio",
        "https://gateway.example.org:port/webhooks/twilio",
        "https:///webhooks/twilio",
        f"{PUBLIC_URL}\n",
    ],
)
def test_an_address_that_no_signature_would_survive_is_refused_at_the_start(
    capsys: pytest.CaptureFixture[str], configured: str | None
) -> None:
    """
    Credentials, a query, signs that proxies re-encode: told by the variable's name and without its value.
    """
    environ = {
        "TRUNKLINE_NATS__URL": "nats://127.0.0.1:4222",
        **{f"TRUNKLINE_KEYS__{name}": "00" * 32 for name in ("VAULT", "PEPPER", "THREAD_PEPPER")},
        **({} if configured is None else {"TWILIO_WEBHOOK_URL": configured}),
    }
    with pytest.raises(SystemExit) as ended:
        from_env(IngressSettings, environ)
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "TWILIO_WEBHOOK_URL" in told
    assert "secret" not in told
