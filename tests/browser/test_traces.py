"""The traces of a local stack, in a browser."""

import httpx2

from services.console.pages.traces import RECEIVER
from tests.browser.conftest import OpenWindow
from tests.browser.console import EMAIL, Console
from tests.browser.look import NARROW
from tests.services.console.pages.test_traces import CALLBACK, PROTOBUF, SID, TRACE, export


async def test_traces_look_right(open_window: OpenWindow, console: Console) -> None:
    """
    Without one, the list, and a waterfall that leads to another.
    """
    await console.account()
    window = await open_window(EMAIL, width=NARROW)
    await window.go("/traces")
    await window.check("traces-empty")
    spans = ("a", "", "POST /webhooks/twilio", 0, 10), ("b", "a", "wait turn", 10, 40), ("c", "a", "send part", 40, 100)
    async with httpx2.AsyncClient(base_url=console.url, trust_env=False) as service:
        whole = export(TRACE, *spans, link=CALLBACK, sid=SID)
        for body in (whole, export(CALLBACK, ("d", "", "POST /webhooks/twilio/status", 120, 125))):
            await service.post(RECEIVER, content=body, headers=PROTOBUF)
    for name, path in {"traces": "/traces", "trace": f"/traces/{TRACE}"}.items():
        await window.go(path)
        await window.check(name)
