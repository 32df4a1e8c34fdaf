"""The page in a real browser: what is seen, by whom, how soon, and what it must never do."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Route, expect

from bench.page_course import condition, known
from bench.page_scene import fleet, utcnow
from qc_operator.page import server, stream
from qc_operator.reporting import rfc3339
from tests.adapters.page.browsing import Sight, browser, tab
from tests.adapters.page.conftest import Served, serving

# One browser for all, so one loop for all: to start it takes 2 s.
pytestmark = pytest.mark.asyncio(loop_scope="module")
once = pytest_asyncio.fixture(loop_scope="module", scope="module")
each = pytest_asyncio.fixture(loop_scope="module")

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}&lt;b&gt;'\"`"
SHOTS = os.environ.get("QC_SCREENSHOTS")
"""A folder to put screenshots in: those of docs/images are made so."""


@once
async def chrome(chromium: str) -> AsyncIterator[Browser]:
    async with browser(chromium) as launched:
        yield launched


@each
async def served() -> AsyncIterator[Served]:
    async with serving() as made:
        yield made


@each
async def sight(chrome: Browser, served: Served) -> AsyncIterator[Sight]:
    async with tab(chrome, served.url) as opened:
        yield opened
        assert ([], []) == (opened.wrong, opened.elsewhere)


def row(sight: Sight, name: str) -> Locator:
    """The link of a row."""
    return sight.page.locator("#rows").get_by_role("link", name=name)


def port_of(served: Served) -> int:
    return int(served.url.rpartition(":")[2])


async def shoot(sight: Sight, name: str, *, whole: bool = False) -> None:
    if SHOTS:
        await sight.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)


async def test_the_worst_stand_on_top_and_a_scaling_is_seen_at_once(served: Served, sight: Sight) -> None:
    served.only_at_once()
    await sight.open()
    assert ["shop/orders", "mail/mails", "shop/thumbnails"] == (await sight.texts("#rows tbody a"))[:3]
    assert ["✖ late", "! not ready", "⤒ at its limit"] == (await sight.texts("#rows tbody .state"))[:3]
    assert "1 ✖ late" in await sight.texts("#states button")
    assert 16 <= await sight.page.evaluate(GAP)
    served.scale("statements", to=4)
    await expect(sight.page.locator("#scalings li:first-child")).to_contain_text("bank/statements")

    assert "▲ 0 → 4" in (await sight.texts("#scalings li"))[0]
    await shoot(sight, "page-fleet", whole=True)


async def test_one_of_them_says_why_it_has_as_many(sight: Sight) -> None:
    await sight.open()
    await sight.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await row(sight, "shop/orders").click()
    await expect(sight.page.get_by_role("heading", name="Why 8?")).to_be_visible()
    assert ["wait", "bounds"] == await sight.texts("#why-steps td:first-child")
    assert 4 == await sight.page.locator("figure canvas").count()
    assert [True, True] == await sight.page.evaluate(ONE_AXIS)
    labels = [str(await figure.get_attribute("aria-label")) for figure in await sight.page.get_by_role("img").all()]
    assert ["Lag", "Wait", "Arrivals", "Replicas"] == [label.split(",")[0].split()[0] for label in labels]
    assert re.fullmatch(
        r"Wait against objective, seconds: wait [\d,.]+, between .+; objective 60, between 60 and 60", labels[1]
    )
    assert re.match(r"Lag, messages: ready .+; unacked \d+, between \d+ and \d+$", labels[0])
    await sight.page.get_by_role("button", name="2 h").click()
    await shoot(sight, "page-one", whole=True)
    await sight.page.get_by_role("button", name="Copy YAML with maxReplicas").click()
    copied: str = await sight.page.evaluate("navigator.clipboard.readText()")
    await sight.page.keyboard.press("Escape")
    await expect(row(sight, "shop/orders")).to_be_focused()

    assert copied.startswith("apiVersion: queueconsumer.dev/v1alpha1\nkind: QueueConsumer\n")


async def test_it_is_used_by_keys(served: Served, sight: Sight) -> None:
    await sight.open()
    page = sight.page
    await page.keyboard.press("/")
    await expect(page.locator("#filter")).to_be_focused()
    await page.keyboard.type("bank paused")
    assert ["bank/ledger"] == await sight.texts("#rows tbody a")
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await expect(row(sight, "shop/orders")).to_be_focused()
    await page.keyboard.press("j")
    await expect(row(sight, "mail/mails")).to_be_focused()
    # The focus stays where it is when rows are filled and moved beneath it.
    served.scale("statements", to=4)
    await expect(page.locator("#scalings")).to_contain_text("bank/statements")
    await expect(row(sight, "mail/mails")).to_be_focused()
    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="shop/orders")).to_be_focused()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


async def test_keys_of_one_character_can_be_switched_off(sight: Sight) -> None:
    """Who speaks to the browser presses many of them by accident (WCAG 2.2, 2.1.4)."""
    await sight.open()
    page = sight.page
    switch = page.get_by_role("checkbox", name="Keys of one character do something")
    await page.keyboard.press("?")
    await expect(switch).to_be_checked()
    await expect(page.get_by_role("button", name="Close")).to_be_focused()
    await switch.uncheck()
    for _ in range(2):
        await page.get_by_role("button", name="Close").click()
        for key in ("/", "p", "t", "?", "j"):
            await page.keyboard.press(key)
        await expect(page.get_by_role("button", name="Hold still")).to_have_attribute("aria-pressed", "false")
        await expect(page.locator("#filter")).not_to_be_focused()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        assert 0 == await page.locator("#rows a:focus, html[data-theme]").count()
        # It is kept, as the theme is.
        await page.reload()
        await page.get_by_role("button", name="Keys").click()
        await expect(switch).not_to_be_checked()
    await switch.check()
    await expect(row(sight, "shop/orders")).to_be_visible()
    await page.get_by_role("button", name="Close").click()
    await page.keyboard.press("j")
    await expect(row(sight, "shop/orders")).to_be_focused()


async def test_it_is_told_to_who_cannot_see_it(sight: Sight) -> None:
    await sight.open()
    page = sight.page
    await expect(page.get_by_role("status")).to_contain_text("1 late, 1 not ready, 1 at its limit")
    assert ["State", "QueueConsumer", "Lag", "Wait", "Replicas", "Why", "Last change"] == await sight.texts(
        "#rows th[scope=col]"
    )
    await expect(page.get_by_role("table", name="QueueConsumers, the worst first")).to_be_visible()
    await expect(page.get_by_role("rowheader", name="shop/orders")).to_be_visible()
    await expect(page.locator("#rows tr", has=page.get_by_role("link", name="mail/mails"))).to_contain_text(
        re.compile(r"read \d+ (s|min) ago")
    )
    await expect(page.get_by_role("searchbox", name="Filter")).to_be_visible()
    unnamed = await page.evaluate(
        "[...document.querySelectorAll('button, a, input')]"
        ".filter((each) => !(each.textContent.trim() || each.labels?.length)).length"
    )

    assert 0 == unnamed


@pytest.mark.parametrize(("scheme", "back"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(18, 22, 29)")])
async def test_dark_and_light_can_both_be_read(chrome: Browser, served: Served, scheme: str, back: str) -> None:
    """Each text stands out from what is behind it by 4.5 to 1 at least (WCAG 2.2, 1.4.3)."""
    # All charts are on the picture.
    async with tab(chrome, served.url, height=920, scheme="dark" if scheme == "dark" else "light") as sight:
        await sight.open()
        assert back == await sight.page.evaluate("getComputedStyle(document.body).backgroundColor")
        faint = await sight.page.evaluate(CONTRAST)
        await sight.open("/#/shop/orders")
        await sight.page.locator("figure canvas >> nth=3").wait_for()
        faint += await sight.page.evaluate(CONTRAST)
        await shoot(sight, f"page-one-{scheme}")
        assert ([], []) == (faint, sight.wrong)


@pytest.mark.parametrize("width", [1280, 768, 360])
async def test_no_word_is_broken_for_a_long_sentence_next_to_it(chrome: Browser, served: Served, width: int) -> None:
    course = served.course("orders")
    status, _ = course.step(utcnow(), second=10_000, length=0)
    sentence = "48 messages/s need 9 replicas at 5.88/s each for 99 % of them to wait no longer than 5 s " * 3
    for condition_ in status["conditions"]:
        condition_["message"] = sentence
    status["lastDecision"] |= {"message": sentence}
    for step in status["lastDecision"]["steps"]:
        step["message"] = sentence
    served.tell(course.about, status)
    async with tab(chrome, served.url, width=width) as sight:
        await sight.open()
        await expect(sight.page.locator("#rows")).to_contain_text("wait no longer")
        broken = await sight.page.evaluate(BROKEN)
        assert 0 >= await sight.sideways()
        await sight.open("/#/shop/orders")
        await sight.page.locator("figure canvas >> nth=3").wait_for()
        broken += await sight.page.evaluate(BROKEN)
        assert (0, []) == (max(await sight.sideways(), 0), broken)


async def test_what_has_just_begun_is_seen_at_once(served: Served, sight: Sight) -> None:
    """A course of two minutes is no line at the edge of half an hour."""
    begun = known("shop", "begun")
    for second in (120, 60, 0):
        status = {
            "conditions": [condition("Ready", "True", "Scaling", "well", since=rfc3339(utcnow()))],
            "queues": [{"name": "begun", "state": "Read", "ready": second, "unacknowledged": 1}],
            "currentReplicas": 1,
            "desiredReplicas": 1,
        }
        served.tell(begun, status, at=utcnow() - timedelta(seconds=second))
    await sight.open("/#/shop/begun")
    await sight.page.locator("figure canvas >> nth=1").wait_for()
    assert ["5 min"] == await sight.texts("#one button[aria-pressed=true]")
    assert ["now", "0", "1"] == await sight.texts("figure:first-child .u-value")
    await expect(sight.page.locator("#one .facts")).to_contain_text("1 pod, 0 to 10 allowed")
    assert [
        "No queue of it has a wait objective.",
        "Not known. Rates are read where a target needs them; lag alone does without.",
    ] == await sight.texts("figure p")
    await sight.page.get_by_role("button", name="30 min").click()
    assert ["30 min"] == await sight.texts("#one button[aria-pressed=true]")
    # Two hours are long enough for half an hour.
    await sight.open("/#/shop/orders")
    await expect(sight.page.get_by_role("button", name="30 min")).to_have_attribute("aria-pressed", "true")


async def test_what_is_not_known_is_a_gap_and_no_zero(served: Served, sight: Sight) -> None:
    now = utcnow()
    for second, ready in ((1500, 8), (1440, 8), (600, 4), (540, 4)):
        status = {"queues": [{"name": "gap", "state": "Read", "ready": ready, "unacknowledged": 0}]}
        served.tell(known("shop", "gap"), status, at=now - timedelta(seconds=second))
    served.tell(known("shop", "gap"), {"queues": [{"name": "gap", "state": "Read", "ready": 2}]}, at=now)
    served.tell(known("shop", "never"), {"queues": [{"name": "never", "state": "Unknown"}]})
    await sight.open()
    line = sight.page.locator("#rows tr", has=sight.page.get_by_role("link", name="shop/gap"))

    # Two runs of what is known, with nothing between them but dots, and the number of now.
    assert 3 == await line.locator(".curve polyline").count()
    drawn = await line.locator(".curve").evaluate(DRAWN)
    assert ["unknown", "known", "unknown", "known", "unknown", "known"] == [kind for kind, _, _ in drawn]
    assert [0.0, *[end for _, _, end in drawn]] == [*[begin for _, begin, _ in drawn], 66.0]
    # Of another all is known.
    assert 0 == await sight.page.locator("#rows tr:has(a[href='#/shop/orders']) .unknown").count()
    assert "never read" in " ".join(await sight.texts("#rows tr:has(a[href='#/shop/never']) td:nth-child(3)"))


async def test_a_decision_that_says_more_than_the_state_is_shown(served: Served, sight: Sight) -> None:
    now = rfc3339(utcnow())
    ready = condition("Ready", "True", "Scaling", "well", since=now)
    long = "48 messages/s need 9 replicas at 5.88/s each for 99 % of them to wait no longer than 5 s " * 4
    said = {
        "same": ("by annotation", "by annotation"),
        "more": ("by annotation", "48 messages / 6 = 8; by annotation 3 replicas"),
        "long": (long, long),
    }
    for name, (state, decision) in said.items():
        status = {
            "conditions": [ready, condition("Paused", "True", "Annotation", state, since=now)],
            "lastDecision": {
                "time": now,
                "from": 3,
                "to": 3,
                "reason": "Steady",
                "limitedBy": "none",
                "message": decision,
            },
        }
        served.tell(known("said", name), status)
    await sight.open()

    told = {name: await sight.texts(f"#rows tr:has(a[href='#/said/{name}']) .clamp") for name in said}
    assert ["Annotation: by annotation"] == told["same"]
    assert ["Annotation: by annotation", "Steady: 48 messages / 6 = 8; by annotation 3 replicas"] == told["more"]
    assert 1 == len(told["long"])


async def test_of_a_view_that_is_left_nothing_is_kept(sight: Sight) -> None:
    """The page is left open for weeks, and each chart that is kept is told of each movement of the pointer."""
    await sight.open()
    kept = []
    for name in ("orders", "receipts", "none") * 2:
        await sight.page.evaluate("name => { location.hash = `#/shop/${name}`; }", name)
        await expect(sight.page.locator("#one h2").first).to_contain_text(f"shop/{name}")
        kept.append(await sight.page.evaluate(PLOTS))
    await sight.page.keyboard.press("Escape")
    await expect(row(sight, "shop/orders")).to_be_visible()

    assert ([4, 4, 0] * 2, 0) == (kept, await sight.page.evaluate(PLOTS))
    sight.wrong[:] = [words for words in sight.wrong if "404" not in words]


async def test_behind_a_service_another_pod_may_answer_than_the_one_that_leads(served: Served, sight: Sight) -> None:
    """The stream is of the pod that leads, and what is asked for besides may come to one that stands by."""
    strays = [1]
    asked: list[int] = []

    async def divide(route: Route) -> None:
        url = standing_by.url if strays else served.url
        strays.clear()
        response = await route.fetch(url=route.request.url.replace(served.url, url))
        asked.append(response.status)
        await route.fulfill(response=response)

    async with serving() as standing_by:
        standing_by.leads = False
        await sight.page.add_init_script(LOST)
        await sight.page.route("**/api/v1/queueconsumers/**", divide)
        await sight.open("/#/shop/receipts")
        await expect(sight.page.get_by_role("heading", name="shop/receipts")).to_be_focused()
        assert [503, 200] == asked[:2]
        strays.append(1)
        async with sight.page.expect_response(lambda response: response.status == 503, timeout=30_000):
            served.scale("receipts", to=3)
        served.scale("receipts", to=4)
        await expect(sight.page.locator("#one .log li:first-child")).to_contain_text("→ 4")

    assert (2, 4, False) == (
        asked.count(503), await sight.page.evaluate(PLOTS), await sight.page.evaluate("window.lost"),
    )  # fmt: skip
    sight.wrong[:] = [words for words in sight.wrong if "503" not in words]


async def test_figures_are_of_a_day_of_24_hours_wherever_one_is(chrome: Browser, served: Served) -> None:
    async with tab(chrome, served.url, locale="en-US") as sight:
        await sight.open("/#/shop/orders")
        await sight.page.locator("summary", has_text="The figures as a table").click()
        figures = sight.page.locator("#one details table")
        await expect(figures.locator("tbody tr").first).to_contain_text(re.compile(r"^\d\d:\d\d:\d\d"))

        assert ["from", "ready", "unacked", "wait, s", "arrivals/s", "capacity/s", "pods", "wanted"] == (
            await figures.locator("th").all_inner_texts()
        )
        assert not re.search("[AP]M", await figures.inner_text())


async def test_it_fits_a_telephone(chrome: Browser, served: Served) -> None:
    async with tab(chrome, served.url, width=360, height=740) as sight:
        await sight.open()
        assert 0 >= await sight.sideways()
        await shoot(sight, "page-narrow")
        await sight.open("/#/shop/orders")
        await sight.page.locator("figure canvas >> nth=3").wait_for()
        await sight.page.locator("summary", has_text="The figures as a table").click()
        await expect(sight.page.locator("#one details tbody tr")).not_to_have_count(0)
        assert 0 >= await sight.sideways()
        await shoot(sight, "page-narrow-one", whole=True)
        assert [] == sight.wrong


async def test_no_name_and_no_message_becomes_html(served: Served, sight: Sight) -> None:
    about = known("shop", "hostile", queues=[{"name": HOSTILE, "lag": {"scaleUpAbove": 20}}])
    now = rfc3339(utcnow())
    record = {"time": now, "from": 0, "to": 3, "reason": HOSTILE, "limitedBy": HOSTILE, "message": HOSTILE}
    step = {"step": HOSTILE, "replicas": 3, "source": HOSTILE, "observed": True, "message": HOSTILE}
    status = {
        "conditions": [condition("Ready", "False", HOSTILE, HOSTILE, since=now)],
        "queues": [{"name": HOSTILE, "vhost": HOSTILE, "state": HOSTILE, "message": HOSTILE}],
        "lastDecision": {**record, "steps": [step]},
        "history": [record],
        "columns": {"target": HOSTILE, "broker": HOSTILE, "queues": HOSTILE},
    }
    served.tell(about, status)
    await sight.open()
    await expect(
        sight.page.locator("#rows tr", has=sight.page.get_by_role("link", name="shop/hostile"))
    ).to_contain_text(HOSTILE)
    await row(sight, "shop/hostile").click()
    await expect(sight.page.get_by_role("heading", name="Why 3?")).to_be_visible()
    await sight.page.locator("details summary", has_text="YAML").click()

    await expect(sight.page.locator("#one pre")).to_contain_text("alert(1)")
    assert 0 == await sight.page.locator("img").count()
    # A name in the address is as little to be trusted.
    await sight.open(f"/#/{HOSTILE.replace('/', '%2F')}/x")
    await expect(sight.page.locator("#one .alarm")).to_be_visible()
    sight.wrong[:] = [words for words in sight.wrong if "404" not in words]


async def test_no_script_but_the_page_s_own_is_run(sight: Sight) -> None:
    await sight.open()
    refused = await sight.page.evaluate(
        """() => {
          const told = [];
          try { document.body.innerHTML = "<b>x</b>"; told.push("HTML was made of text"); } catch (error) { }
          const script = document.createElement("script");
          try { script.text = "window.ran = true"; } catch (error) { }
          try { script.src = "data:text/javascript,window.ran=true"; } catch (error) { }
          document.head.append(script);
          if (window.ran) told.push("a script was run");
          return told;
        }"""
    )
    assert [] == refused
    assert sight.wrong
    sight.wrong.clear()  # The browser has told of each refusal.


async def test_what_is_out_of_date_is_said_to_be_and_is_taken_up_again(served: Served, sight: Sight) -> None:
    await sight.open()
    port = port_of(served)
    served.scale("statements", to=4)
    await expect(sight.page.locator("#scalings")).to_contain_text("bank/statements")
    await served.page._runner.cleanup()
    # The words stay the same, as a screen reader says them anew whenever they change.
    await expect(sight.page.get_by_role("alert")).to_have_text(
        re.compile(r"^Nothing was heard from the operator since \d\d:\d\d:\d\d: what is shown may be out of date\. ")
    )
    ages = await sight.texts("#scalings time")
    # A port-forward leads to one pod, so its address may never answer again.
    await expect(sight.page.locator("#alarm pre")).to_have_text(
        "leader=$(kubectl -n queueconsumer get lease queueconsumer-operator -o jsonpath='{.spec.holderIdentity}')\n"
        f'kubectl -n queueconsumer port-forward "pod/${{leader%_*}}" {port}:8081',
        use_inner_text=True,
    )
    await expect(sight.page.locator("#scalings time").first).not_to_have_text(ages[0])
    await shoot(sight, "page-stale")
    # Who has it held still, as to read it out to somebody, is shown nothing new, not even after all that.
    await sight.page.keyboard.press("p")
    before = await sight.texts("#rows tbody a")
    served.page.board.gone(served.course("statements").about.key)
    served.tell(known("shop", "new"), {})
    await served.listen(port)
    await expect(sight.page.get_by_role("alert")).to_be_hidden()
    assert before == await sight.texts("#rows tbody a")
    await sight.page.keyboard.press("p")
    await expect(row(sight, "shop/new")).to_be_visible()
    assert {"shop/new", "bank/statements"} == {*before} ^ {*await sight.texts("#rows tbody a")}
    sight.wrong.clear()  # The browser has told of each try.


async def test_who_finds_no_room_is_told_so(served: Served, sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "VIEWERS", 0)
    await sight.page.clock.install()
    await sight.page.goto(served.url)
    await expect(sight.page.locator("#live")).to_have_text("connecting")
    await expect(sight.page.get_by_role("alert")).to_be_hidden()
    await sight.page.clock.fast_forward(10_000)
    await expect(sight.page.get_by_role("alert")).to_contain_text("it does not answer, fifty look on already, or")
    monkeypatch.undo()
    await sight.page.clock.fast_forward(3_000)
    await expect(row(sight, "shop/orders")).to_be_visible()
    await expect(sight.page.get_by_role("alert")).to_be_hidden()
    sight.wrong[:] = [words for words in sight.wrong if "503" not in words]


async def test_what_cannot_be_shown_is_not_called_live(sight: Sight) -> None:
    await sight.open()
    await sight.page.evaluate("document.getElementById('totals').remove()")
    await expect(sight.page.locator("#live")).to_contain_text("not live for")
    await expect(sight.page.get_by_role("alert")).to_contain_text("what is shown may be out of date")
    assert sight.wrong
    sight.wrong.clear()  # The browser has told of each try.


async def test_a_page_of_another_version_loads_itself_anew(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    await sight.open()
    await sight.page.evaluate("document.documentElement.dataset.before = ''")
    await sight.page.keyboard.press("p")
    monkeypatch.setattr(server, "VERSION", "0.0.0")
    await sight.page.evaluate(UPDATED)
    # Who holds it still keeps what is there.
    before = sight.page.locator("html[data-before]")
    await expect(before).to_have_count(1)
    await sight.page.keyboard.press("p")
    await expect(before).to_have_count(0)
    await expect(sight.page.locator("#live")).to_have_text("live")


async def test_that_there_is_nothing_to_show_is_said(served: Served, sight: Sight) -> None:
    await sight.open()
    await sight.page.fill("#filter", "no such name")
    await expect(sight.page.locator("#none")).to_have_text("None of them fits.")
    await sight.page.fill("#filter", "")
    await expect(sight.page.locator("#none")).to_be_hidden()
    for course in served.courses:
        served.page.board.gone(course.about.key)
    for name in ("mails", "bounces"):
        served.page.board.gone(known("mail", name).key)
    await expect(sight.page.locator("#none")).to_contain_text("None is served yet.")
    await shoot(sight, "page-empty")

    assert [] == await sight.texts("#rows tbody a")


async def test_words_that_somebody_selects_stay_while_the_figures_go_on(served: Served, sight: Sight) -> None:
    await sight.open("/#/shop/orders")
    answer = sight.page.locator(".answer")
    chosen = await answer.inner_text()
    await answer.evaluate("element => getSelection().selectAllChildren(element)")
    served.scale("orders", to=3)
    await expect(sight.page.locator("#one .log li:first-child")).to_contain_text("▼ 8 → 3")

    assert chosen == await sight.page.evaluate("getSelection().toString()")
    await sight.page.evaluate("getSelection().removeAllRanges()")
    served.scale("orders", to=4)
    await expect(sight.page.get_by_role("heading", name="Why 4?")).to_be_visible()


async def test_who_ceases_to_lead_shows_nothing_and_says_where_to_look(served: Served, sight: Sight) -> None:
    await sight.open()
    served.leads = False
    for course in served.courses:
        served.page.board.gone(course.about.key)
    alarm = sight.page.get_by_role("alert")
    await expect(alarm).to_contain_text("pod-b leads")
    # The port of this machine stays the same, so that the address does.
    await expect(alarm).to_contain_text(f"kubectl -n queueconsumer port-forward pod/pod-b {port_of(served)}:8081")
    await expect(sight.page.locator("#live")).to_have_text("stands by")
    assert {"mail/mails", "mail/bounces"} >= set(await sight.texts("#rows tbody a"))
    await shoot(sight, "page-standby")
    served.leads = True
    await expect(alarm).to_be_hidden()


async def test_a_thousand_rows_are_shown_and_searched(served: Served, sight: Sight) -> None:
    for course in fleet(1000):
        status, change = course.step(utcnow(), second=0, length=1)
        served.tell(course.about, status, change=change)
    await sight.open()
    await expect(sight.page.locator("#rows tbody tr")).to_have_count(200)
    await shoot(sight, "page-thousand")
    await sight.page.fill("#filter", "worker-00999")
    assert ["team-19/worker-00999"] == await sight.texts("#rows tbody a")
    await sight.page.fill("#filter", "")
    await sight.page.get_by_role("button", name="Show 809 more").click()
    await expect(sight.page.locator("#rows tbody tr")).to_have_count(1009)


ONE_AXIS = """() => {
  const places = [...document.querySelectorAll("#one .u-over")].map((each) => each.getBoundingClientRect());
  const same = places.every(({ left, right }) => left === places[0].left && right === places[0].right);
  return [same, places.length === 4 && places.every(({ top }, i) => !i || top > places[i - 1].bottom)];
}"""
"""Whether all charts begin and end at the same place, and each is below the one before."""

LOST = """new MutationObserver(() => { window.lost ||= Boolean(document.querySelector("#one .alarm")); })
  .observe(document, { childList: true, subtree: true });"""
"""Notes whether the view of one was ever taken away."""

UPDATED = """() => new Promise((done) => {
  const source = new EventSource("api/v1/stream");
  source.addEventListener("update", () => { source.close(); done(); });
})"""
"""Waits for the next update."""

PLOTS = "uPlot.sync('course').plots.length"
"""How many charts are told where the pointer is."""

DRAWN = """curve => [...curve.querySelectorAll("line, polyline")].map((part) => {
  if (part.matches("line")) return ["unknown", Number(part.getAttribute("x1")), Number(part.getAttribute("x2"))];
  const points = part.getAttribute("points").split(" ").map((point) => Number(point.split(",")[0]));
  return ["known", points[0], points.at(-1)];
})"""
"""Of what a small curve is made, and from where to where each part goes."""

BROKEN = """() => {
  const found = [];
  for (const cell of document.querySelectorAll("th, .whole, dt, .state, #rows td:not(:nth-child(6))")) {
    if (!cell.checkVisibility() || cell.matches("#rows tbody th") || cell.closest(".hidden")) continue;
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const word of texts.currentNode.data.matchAll(/\\S+/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) found.push(word[0]);
      }
    }
    if (cell.scrollWidth > cell.clientWidth + 1 && cell.clientWidth) found.push(`too narrow for ${cell.innerText}`);
  }
  return found;
}"""
"""Words of headings and of short cells that go over two lines, and cells that are narrower than what is in them."""

GAP = """() => {
  const gaps = [];
  const inside = (cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return range.getBoundingClientRect();
  };
  for (const { cells } of document.querySelectorAll("#rows tr")) {
    for (let i = 1; i < cells.length; i++) gaps.push(inside(cells[i]).left - inside(cells[i - 1]).right);
  }
  return Math.min(...gaps);
}"""
"""Pixels that are between what is in two columns, at least."""

CONTRAST = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("noscript, .skip, .hidden")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${element.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""
