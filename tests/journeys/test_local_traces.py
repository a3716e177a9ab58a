"""A newcomer looks at where their message's time went."""

import re

import httpx2

from tests.eventually import eventually
from tests.journeys.stack import Stack


async def test_a_message_of_a_local_stack_can_be_followed_in_the_console(shared_stack: tuple[Stack, str]) -> None:
    """
    Signed in by the address that `up` printed, its trace is found by the MessageSid, and shows every service.
    """
    stack, printed = shared_stack
    found = re.search(r"(http://[^/\s]+)/first-run#(\S+)", printed)
    assert found
    console, token = found.groups()
    async with stack.simulator() as simulator:
        sent = (await simulator.post("/sim/messages", json={"from": "+15557650001", "body": "hello"})).json()
    async with httpx2.AsyncClient(base_url=console, follow_redirects=True, trust_env=False) as browser:
        account = {"setup_token": token, "email": "ada@example.org", "name": "Ada", "password": "seven green lanterns"}
        await browser.post("/first-run", data=account, headers={"Origin": console})

        async def whole() -> bool:
            listed = (await browser.get("/traces", params={"provider_sid": sent["sid"]})).text
            traces = re.findall(r'href="(/traces/[0-9a-f]{32})"', listed)
            page = (await browser.get(traces[0])).text if traces else ""
            return all(f"<td>{name}</td>" in page for name in ("ingress", "router", "agent", "egress"))

        await eventually(whole)
