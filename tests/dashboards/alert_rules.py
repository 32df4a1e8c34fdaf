"""The rules that the chart ships, and their mutants: each differs from its rule in one number, sign or label."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "charts" / "queueconsumer-operator" / "files" / "alerts.yaml"
CASES: Final = Path(__file__).parent / "alert_cases"
RUNBOOKS: Final = ROOT / "docs" / "runbooks"

# The longest first, so that `>=` is not taken for `>`. Strings are matched to be passed over. A product with the record
# of labels, which is 1, is what it was when it is divided.
_TOKEN: Final = re.compile(
    r"""(?P<string>"[^"]*")
      | (?P<labels>\b(?:by|on|group_left|ignoring)\ \([^()]+\))
      | (?P<duration>(?:(?<=[\[:])|(?<=offset\ ))\d+[smhd])
      | (?P<sign>==|!=|>=|<=|(?<=\s)[<>/+-](?=\s)|\*(?=\s\d)|(?<=\d\s)\*|\b(?:and|or|unless)\b|(?<=[a-z])=(?="))
      | (?P<number>(?<![\w.:])\d+(?:\.\d+)?(?![\w.:]))""",
    re.VERBOSE,
)
_FRACTION: Final = re.compile(r"\s+(?:[\d.]+ [*/] [\d.]+|\d+\.\d+)")
_SIGNS: Final = {
    "==": ("!=",),
    "!=": ("=",),
    "=": ("!=",),
    ">=": (">", "<"),
    "<=": ("<", ">"),
    ">": (">=", "<"),
    "<": ("<=", ">"),
    "*": ("/",),
    "/": ("*",),
    "+": ("-",),
    "-": ("+",),
    "and": ("unless", "or"),
    "or": ("and",),
    "unless": ("and",),
}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A rule with one number or sign changed, or without one of the labels by which it groups or joins."""

    what: str
    rule: dict[str, Any]


def groups() -> list[dict[str, Any]]:
    """The groups of rules as shipped."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return found


def alerts() -> list[dict[str, Any]]:
    """The alerts, without the rules that only record."""
    return [rule for group in groups() for rule in group["rules"] if "alert" in rule]


def records() -> list[dict[str, Any]]:
    """The rules that record something, for alerts to read."""
    return [rule for group in groups() for rule in group["rules"] if "record" in rule]


def mutants(rule: dict[str, Any]) -> Iterator[Mutant]:
    """Every mutant of a rule."""
    for name in ("for", "keep_firing_for"):
        for changed in _durations(rule[name], step=60) if name in rule else ():
            yield Mutant(what=f"{name}: {changed}", rule={**deepcopy(rule), name: changed})
    expression = rule["expr"]
    for token in _TOKEN.finditer(expression):
        for changed in _changes(token):
            line = expression.count("\n", 0, token.start()) + 1
            text = f"{expression[: token.start()]}{changed}{expression[token.end() :]}"
            yield Mutant(
                what=f"line {line}, {token[0]!r} at {token.start()} -> {changed!r}",
                rule={**deepcopy(rule), "expr": text},
            )


def _changes(token: re.Match[str]) -> Iterator[str]:
    match token.lastgroup:
        case "duration":
            yield from _durations(token[0], step=None)
        case "sign":
            changes = _SIGNS[token[0]]
            # A share is never exactly a threshold that no binary number is.
            yield from changes[1:] if _FRACTION.match(token.string, token.end()) else changes
        case "number":
            yield from _numbers(token[0])
        case "labels":
            yield from _fewer_labels(token[0])


def _fewer_labels(text: str) -> Iterator[str]:
    """Without each of its labels in turn."""
    keyword, names = text.removesuffix(")").split(" (")
    labels = names.split(", ")
    for index in range(len(labels)):
        yield f"{keyword} ({', '.join(labels[:index] + labels[index + 1 :])})"


def _numbers(text: str) -> Iterator[str]:
    """A quarter more and a fifth less; of small whole numbers one more and one less."""
    value = float(text)
    if value.is_integer() and value < 5:
        yield from (str(int(value) + 1), str(int(value) - 1))
    else:
        yield from (f"{value * 1.25:g}", f"{value * 0.8:g}")


def _durations(text: str, *, step: int | None) -> Iterator[str]:
    """`step` seconds more and less; twice and half as much without one."""
    seconds = int(text[:-1]) * _SECONDS[text[-1]]
    changed = (seconds + step, seconds - step) if step else (seconds * 2, seconds // 2)
    yield from (f"{each}s" for each in changed)
