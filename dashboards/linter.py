"""Rules that a dashboard must keep, after those of Grafana's dashboard-linter and its page of best practices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

_OWN: Final = re.compile(r"(queueconsumer_[a-z_]+|process_[a-z_]+|python_gc_[a-z_]+|scrape_[a-z_]+)\{([^}]*)\}")
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_TAG: Final = "queueconsumer"
_COLUMNS: Final = 24


def findings(board: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a dashboard, one sentence each; nothing if all is well."""
    yield from _of_board(board)
    yield from _of_places(board)
    panels = [panel for panel in _panels(board) if panel["type"] != "row"]
    for panel in panels:
        for rule in _PANEL_RULES:
            for finding in rule(panel):
                yield f"{panel.get('title')}: {finding}"
    titles = [str(panel.get("title")) for panel in panels]
    yield from (f"two panels have the title {title!r}" for title in sorted({t for t in titles if titles.count(t) > 1}))
    known = {variable["name"] for variable in board["templating"]["list"]}
    known |= {"__rate_interval", "__interval", "__range", "__url_time_range"}
    for expr in _expressions(board):
        yield from (f"${name} is no variable, in {expr}" for name in re.findall(r"\$(\w+)", expr) if name not in known)


def _of_board(board: dict[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"queueconsumer-[a-z]+", board.get("uid") or ""):
        yield "its uid is not one that alerts can link to"
    if board.get("editable"):
        yield "it can be edited in the browser, and would not be what its source says"
    if _TAG not in board.get("tags", ()) or not board.get("description"):
        yield "it has no description, or not the tag by which dashboards link to each other"
    if any(variable["name"] == "datasource" for variable in board["templating"]["list"][1:]):
        yield "the data source is not its first variable"
    if not {"datasource", "cluster", "job"} <= {variable["name"] for variable in board["templating"]["list"]}:
        yield "it has no variable for data source, cluster or job"
    if not any(link.get("keepTime") and link.get("tags") == [_TAG] for link in board.get("links", ())):
        yield "it has no link to the other dashboards that keeps the time"
    rows = [panel for panel in board["panels"] if panel["type"] == "row"]
    yield from (f"the row {row['title']!r} is no question" for row in rows if not row["title"].endswith("?"))
    if board["panels"][0]["type"] != "row":
        yield "a panel stands before the first question"


def _of_places(board: dict[str, Any]) -> Iterator[str]:
    """Grafana's grid has 24 columns, and it moves what overlaps or has no room to where nobody has meant it to be."""
    questions: list[tuple[str, list[dict[str, Any]]]] = []
    for panel in board["panels"]:
        if panel["type"] == "row":
            questions.append((panel["title"], list(panel.get("panels") or ())))
        elif questions:
            questions[-1][1].append(panel)
    for question, panels in questions:
        taken: dict[tuple[int, int], str] = {}
        for panel in panels:
            place = panel["gridPos"]
            if place["x"] + place["w"] > _COLUMNS:
                yield f"{panel['title']}: it ends at column {place['x'] + place['w']} of {_COLUMNS}"
            cells = [
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            ]
            others = sorted({taken[cell] for cell in cells if cell in taken})
            yield from (f"{panel['title']}: it overlaps {other!r}" for other in others)
            taken |= dict.fromkeys(cells, str(panel["title"]))
        ys = {y for _, y in taken}
        if any((x, y) not in taken for x in range(_COLUMNS) for y in ys):
            yield f"the panels of {question!r} leave a hole"


def _says_what_it_is(panel: dict[str, Any]) -> Iterator[str]:
    if not panel.get("title"):
        yield "it has no title"
    if len(panel.get("description") or "") < 30:  # noqa: PLR2004 - a sentence
        yield "its description does not say what it means"
    defaults = panel["fieldConfig"]["defaults"]
    if not defaults.get("unit"):
        yield "it has no unit"
    if not defaults.get("noValue"):
        yield "it does not say what it means that there is nothing"


def _has_thresholds_of_its_own(panel: dict[str, Any]) -> Iterator[str]:
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    if not steps or steps[0]["value"] is not None:
        yield "it has no thresholds"
    values = [step["value"] for step in steps[1:]]
    if values != sorted(values):
        yield "its thresholds do not rise"
    if [step["value"] for step in steps] == [None, 80]:
        yield "its thresholds are the editor's: red from 80 on"


def _asks_the_chosen_source(panel: dict[str, Any]) -> Iterator[str]:
    if panel.get("datasource") != _SOURCE:
        yield "it does not ask the chosen data source"
    if not panel.get("targets"):
        yield "it asks nothing"
    for target in panel.get("targets", ()):
        if target.get("datasource") != _SOURCE:
            yield "a query does not ask the chosen data source"
        if not (target.get("legendFormat") or target.get("instant")):
            yield "a query has no legend"


def _asks_well(panel: dict[str, Any]) -> Iterator[str]:
    for target in panel.get("targets", ()):
        expr = target["expr"]
        yield from (
            f"{metric} is asked for without cluster or job"
            for metric, matchers in _OWN.findall(expr)
            if not ('cluster=~"$cluster"' in matchers and 'job=~"$job"' in matchers)
        )
        # A window in which there may be no two samples shows nothing; one that is meant is of hours or days.
        windows = re.findall(r"\b(?:rate|irate|increase)\([^\[\]]*\[([^\]]+)\]", expr)
        yield from (
            f"rate or increase over [{window}] in place of $__rate_interval"
            for window in windows
            if not re.fullmatch(r"\$__rate_interval|\d+[hd]", window)
        )
        if expr.count("(") != expr.count(")"):
            yield "a parenthesis has no other one"


def _panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels") or ()


def _expressions(board: dict[str, Any]) -> Iterator[str]:
    for panel in _panels(board):
        yield from (target["expr"] for target in panel.get("targets") or ())


_PANEL_RULES: Final[tuple[Callable[[dict[str, Any]], Iterator[str]], ...]] = (
    _says_what_it_is,
    _has_thresholds_of_its_own,
    _asks_the_chosen_source,
    _asks_well,
)
