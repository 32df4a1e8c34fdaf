"""Debian's Chromium, driven by Playwright, with an eye on what a page must not do."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Browser, Page, Request, async_playwright, expect

# Milliseconds; the machine has other things to do.
expect.set_options(timeout=15_000)


@dataclass
class Sight:
    """One tab, and what went wrong in it."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    """Errors, warnings, refused scripts, dialogs."""
    elsewhere: list[str] = field(default_factory=list)
    """Requests that went anywhere but to the operator."""

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type != "log" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog {dialog.message}"))
        self.page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(f"{self.url}/"):
            self.elsewhere.append(request.url)

    async def open(self, path: str = "/") -> None:
        await self.page.goto(self.url + path)
        await expect(self.page.locator("#live")).to_have_attribute("data-live", "yes")

    async def texts(self, selector: str) -> list[str]:
        """The text of each element."""
        return [" ".join(text.split()) for text in await self.page.locator(selector).all_inner_texts()]

    async def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        pixels: int = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return pixels


@contextlib.asynccontextmanager
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Chromium without a window. It runs as root here, where its sandbox does not."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        await launched.close()


@contextlib.asynccontextmanager
async def tab(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
    locale: str = "en-GB",
) -> AsyncIterator[Sight]:
    """A tab of its own, which has no history and nothing stored."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale=locale, timezone_id="UTC"
    )
    yield Sight(page=await context.new_page(), url=url)
    await context.close()
