"""
A window before the console: whatever its console, its policy or axe minds, fails the test, and so does a page that is too wide.

`open_window(width=…, theme=…, language=…)` signs in where `as_` names an account; `Window.check(name)` looks, keeps a picture in
`build/screenshots` and asks axe.
"""

from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.eventually import DEADLINE

_HERE = Path(__file__).parent
_AXE = (_HERE / "axe" / "axe.min.js").read_text(encoding="utf-8")
PICTURES = _HERE.parents[1] / "build" / "screenshots"
WIDTHS = (1440, 390)
THEMES = ("light", "dark")
_RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
_LISTEN = """
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => window.reports.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


@dataclass
class Window:
    """One page of a browser."""

    page: Page
    url: str
    theme: str
    width: int
    errors: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        """Open a page of the console."""
        await self.page.goto(self.url + path, wait_until="load")

    async def sign_in(self, email: str, password: str) -> None:
        """Sign in as a person does."""
        await self.go("/sign-in")
        await self.page.get_by_label("E-mail address").fill(email)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.locator("meta[name=form-token]")).to_have_count(1)

    async def check(self, name: str) -> None:
        """Find nothing wrong with what is shown, and keep a picture of it."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.evaluate("document.fonts.ready")
        await self.page.screenshot(path=PICTURES / f"{name}-{self.theme}-{self.width}.png", full_page=True)
        too_wide = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, f"{name}: {too_wide} px too wide"
        found = await self.page.evaluate(f"async () => {{ {_AXE}; return (await axe.run({_RULES})).violations }}")
        assert not found, f"{name}: {[(it['id'], [node['html'][:150] for node in it['nodes']]) for it in found]}"
        reports = await self.page.evaluate("window.reports")
        assert not reports, f"{name}: {reports}"
        assert not self.errors, f"{name}: {self.errors}"

    async def close(self) -> None:
        """End it; nothing may have been wrong since it was opened."""
        await self.page.context.close()
        assert self.errors == []


async def window(
    browser: Browser, url: str, *, width: int = 1440, theme: str = "light", language: str = "en"
) -> Window:
    """Open a window of its own on a console."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": 900}, locale=language, timezone_id="Europe/Rome", bypass_csp=False
    )
    context.set_default_timeout(DEADLINE * 1000)
    await context.add_init_script(_LISTEN)
    await context.add_cookies([{"name": "theme", "value": theme, "url": url}])
    opened = Window(await context.new_page(), url, theme, width)
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.page.on(
        "console", lambda said: opened.errors.append(said.text) if said.type in {"error", "warning"} else None
    )
    return opened
