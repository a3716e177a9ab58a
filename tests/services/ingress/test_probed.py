"""Ingress as the doctor sees it: what its probe says of a real one."""

from pathlib import Path

import pytest

from dev.embedded import NatsServer, free_port
from shared.bus import Bus
from shared.channels.line_setup import Webhooks
from shared.channels.ports import Credentials
from shared.channels.whatsapp_twilio.account import WhatsAppTwilioAccount
from shared.channels.whatsapp_twilio.client import open_http
from tests.services.ingress.gateway import Gateway, running, seed, stored
from tests.services.ingress.wire import ACCOUNT, TOKEN


@pytest.fixture
def local_gateway(nats: NatsServer, tmp_path: Path) -> Gateway:
    """An ingress whose public address is its own."""
    port = free_port()
    return Gateway(nats, tmp_path, webhook_url=f"http://127.0.0.1:{port}/webhooks/twilio", port=port)


async def _probed(url: str, token: str) -> str:
    async with open_http(None) as http:
        account = WhatsAppTwilioAccount(http, local=True)
        [found] = await account.probe(Credentials(ACCOUNT, token), wanted=Webhooks(url))
    return found.code


async def test_a_probe_tells_a_gateway_that_works_from_one_that_does_not(local_gateway: Gateway, bus: Bus) -> None:
    """
    With its token, with another, at another path, and by another name for its address; and no message comes of it.
    """
    await seed(bus)
    async with running(local_gateway) as gateway:
        url = gateway.webhook_url
        assert await _probed(url, TOKEN) == "probe_fine"
        assert await _probed(url, "0" * 32) == "probe_refused"
        assert await _probed(url.replace("twilio", "nobody"), TOKEN) == "probe_not_found"
        assert await _probed(url.replace("127.0.0.1", "localhost"), TOKEN) == "probe_refused"
        assert await gateway.counted("unknown_to") == 1
    assert await stored(bus) == (0, 0)
