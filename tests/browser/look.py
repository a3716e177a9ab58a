"""
A window before the console: whatever its console, its policy or axe minds, fails the test, and so does a page that is too wide
or too heavy.

`open_window(width=…, theme=…, language=…)` signs in where `as_` names an account. `Window.check(name)` looks at what is shown
narrow and wide, light and dark, keeps a picture of each in `build/screenshots` and asks axe. The window stays the same and
turns, as a device and its system do: nothing is loaded or clicked again for another look.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.eventually import DEADLINE

Theme = Literal["light", "dark"]

NARROW, WIDE = 390, 1440
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
HEAVIEST = 200_000
"""Bytes of a page with all that it loads, uncompressed (product-ux.md, section 9)."""

_HEIGHT = 900
_AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
_ALL = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']"
_OF_COLOURS = "{type: 'rule', values: ['color-contrast', 'link-in-text-block']}"
"""What another theme can break; the other rules look at what it does not change."""

_LISTEN = """
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => window.reports.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""
_SETTLE = """async () => {
  const fits = (chart) => chart.querySelector("canvas")?.offsetWidth === chart.clientWidth;
  await document.fonts.ready;
  do await new Promise(requestAnimationFrame); while (![...document.querySelectorAll("[data-chart]")].every(fits));
}"""
"""A chart is drawn anew soon after its window has another width."""

_WEIGHT = """() => {
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return Object.fromEntries(loaded.filter((it) => it.initiatorType !== "fetch").map((it) => [it.name, it.decodedBodySize]));
}"""
"""The page and its styles, scripts, icons and fonts, from a cache or not; what htmx asks for later replaces what was there."""


@dataclass
class Window:
    """One page of a browser."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    provoked: str | None = None
    """What the errors that a test provokes have in common: however many there are, and however late, they are no fault."""

    @property
    def faults(self) -> list[str]:
        """What the page told that nobody provoked."""
        return [error for error in self.errors if self.provoked is None or self.provoked not in error]

    async def go(self, path: str) -> None:
        """Open a page of the console."""
        await self.page.goto(self.url + path, wait_until="load")

    async def sign_in(self, email: str, password: str) -> None:
        """Sign in as a person does, in any language."""
        await self.go("/sign-in")
        await self.page.locator("#email").fill(email)
        await self.page.locator("#password").fill(password)
        await self.page.keyboard.press("Enter")
        await expect(self.page.locator("meta[name=form-token]")).to_have_count(1)

    async def check(self, name: str) -> None:
        """Find nothing wrong with what is shown, whatever the width and the theme, and keep pictures of it."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        before = self.page.viewport_size
        for width in (NARROW, WIDE):
            await self.page.set_viewport_size({"width": width, "height": _HEIGHT})
            for theme, rules in zip(get_args(Theme), (_ALL, _OF_COLOURS), strict=True):
                await self.page.emulate_media(color_scheme=theme)
                await self._look(f"{name}-{theme}-{width}", rules)
        await self.page.emulate_media(color_scheme="light")
        await self.page.set_viewport_size(before or {"width": WIDE, "height": _HEIGHT})
        loaded = await self.loaded()
        assert sum(loaded.values()) <= HEAVIEST, f"{name}: {loaded}"
        reports = await self.page.evaluate("window.reports")
        assert not reports, f"{name}: {reports}"
        assert not self.faults, f"{name}: {self.faults}"

    async def loaded(self) -> dict[str, int]:
        """Return how heavy the page is, and each file that it loaded."""
        found: dict[str, int] = await self.page.evaluate(_WEIGHT)
        return found

    async def _look(self, name: str, rules: str) -> None:
        await self.page.evaluate(_SETTLE)
        await self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        too_wide = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, f"{name}: {too_wide} px too wide"
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(f"() => {{ {_AXE} }}")
        found = await self.page.evaluate(f"async () => (await axe.run({{runOnly: {rules}}})).violations")
        assert not found, f"{name}: {[(it['id'], [node['html'][:150] for node in it['nodes']]) for it in found]}"

    async def close(self) -> None:
        """End it; nothing may have been wrong since it was opened."""
        await self.page.context.close()
        assert self.faults == []


async def window(
    browser: Browser, url: str, *, width: int = WIDE, theme: Theme | None = None, language: str = "en"
) -> Window:
    """Open a window of its own on a console. `theme`: what its user has chosen; otherwise it is the system's, which is light."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": _HEIGHT},
        color_scheme="light",
        reduced_motion="reduce",  # a colour on its way from one theme to the other is no colour of either
        locale=language,
        timezone_id="Europe/Rome",
        bypass_csp=False,
    )
    context.set_default_timeout(DEADLINE * 1000)
    await context.add_init_script(_LISTEN)
    if theme:
        await context.add_cookies([{"name": "theme", "value": theme, "url": url}])
    opened = Window(await context.new_page(), url)
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.page.on(
        "console", lambda said: opened.errors.append(said.text) if said.type in {"error", "warning"} else None
    )
    return opened
