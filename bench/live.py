"""
`python -m bench.live`: how long until a page of the console that is open shows what somebody has written.

From the webhook's post to the bubble in their conversation, in a browser, as a company's admin sees it: with nothing else
going on, and while others write five messages a second. The aim is 2 s (product-ux.md, section 9).
"""

import asyncio
import json
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from playwright.async_api import Page, async_playwright

from bench.pipeline import percentile, post_steadily, servers, stages, webhooks
from dev.embedded.ports import free_port
from services.console.sessions import digest

SAMPLES = 40
PER_SECOND, OTHERS = 5, 1_000
SOMEBODY = "whatsapp:+15550099999"
STAGES = ("services.ingress", "services.router", "bench.stage agent", "bench.stage egress")
_BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
_SECRET = "secret-of-the-admin"
_LIMIT = 60.0


def admit(database: str) -> None:
    """Make an admin who is signed in, of the company that the console made when it started; its history is kept."""
    with psycopg.connect(database) as connection:
        connection.execute("update tenant set history = true, privacy = 'encrypted'")
        connection.execute(
            "insert into app_user (id, tenant_id, email, name, role)"
            " values ('us_live', 'tn_default', 'live@bench.example', 'L', 'COMPANY_ADMIN')"
        )
        connection.execute(
            "insert into user_session (digest, tenant_id, user_id, stage) values (%s, 'tn_default', 'us_live', 'whole')",
            (digest(_SECRET),),
        )


async def conversation(database: str) -> str:
    """Return somebody's conversation, once they have one."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        until = time.monotonic() + _LIMIT
        while not (row := await (await connection.execute("select id from conversation")).fetchone()):
            if time.monotonic() > until:
                raise TimeoutError("nobody took the first message in")
            await asyncio.sleep(0.05)
    return str(row[0])


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Page]:
    """Open a page in a browser, signed in, and wait until it hears of changes."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        context = await browser.new_context()
        await context.add_cookies([{"name": "session", "value": _SECRET, "domain": "127.0.0.1", "path": "/"}])
        page = await context.new_page()
        async with page.expect_response("**/changes"):
            await page.goto(url)
        yield page
        await browser.close()


async def waits(page: Page, port: int, name: str, pauses: tuple[float, float]) -> list[float]:
    """Write again and again, after a random pause; return the seconds until each message was shown."""
    took = []
    for number in range(SAMPLES):
        await asyncio.sleep(random.uniform(*pauses))  # so that no message keeps step with the page
        text = f"{name} {number}"
        posted = await post_steadily(port, webhooks(0, 1, SOMEBODY, text=text), 1)
        await page.locator("li.said.inbound").get_by_text(text, exact=True).wait_for()
        took.append(time.monotonic() - posted[SOMEBODY])
    return took


async def measure(database: str, console: int, ingress: int) -> dict[str, dict[str, float]]:
    """Measure alone, then among others."""
    admit(database)
    await post_steadily(ingress, webhooks(0, 1, SOMEBODY), 1)
    async with opened(f"http://127.0.0.1:{console}/history/{await conversation(database)}") as page:
        alone = await waits(page, ingress, "alone", (2.5, 4.0))
        crowd = asyncio.create_task(post_steadily(ingress, webhooks(1, OTHERS), PER_SECOND))
        among = await waits(page, ingress, "among others", (0.5, 3.0))
        crowd.cancel()
        await asyncio.gather(crowd, return_exceptions=True)
    return {"alone": _told(alone), f"among {PER_SECOND} messages a second": _told(among)}


def _told(took: Sequence[float]) -> dict[str, float]:
    return {
        "p50_s": round(percentile(took, 0.5), 2),
        "p95_s": round(percentile(took, 0.95), 2),
        "max_s": round(max(took), 2),
    }


def main() -> None:
    """Measure, and print the figures as JSON."""
    console, ingress = free_port(), free_port()
    variables = {"TRUNKLINE_INGRESS__PORT": str(ingress), "CHANNEL_INBOUND_RPS_BUCKET": "1000"}
    with (
        tempfile.TemporaryDirectory() as folder,
        servers(Path(folder), TRUNKLINE_CONSOLE__PORT=str(console)) as (base, _arrived),
        stages(STAGES, base, **variables),
    ):
        found = asyncio.run(measure(base["TRUNKLINE_DB__URL"], console, ingress))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
