# ruff: noqa: INP001 - a script beside the pages that it writes, not a package
"""Write docs/api.md, the reference of the QueueConsumer object, from the CRD.

`--check` writes nothing and exits with 1 when the page is out of date.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent
CRD: Final = ROOT / "crds" / "queueconsumers.queueconsumer.dev.yaml"
PAGE: Final = ROOT / "docs" / "api.md"

INTRODUCTION: Final = """\
<!-- Written by docs/generate_api_reference.py from crds/: `make generate` writes it again. -->
# The QueueConsumer object

Group `queueconsumer.dev`, version `v1alpha1`, plural `queueconsumers`, short name `qc`.
`kubectl get qc` shows the columns below, `kubectl get all` includes them,
and `kubectl explain qc.spec` prints what this page says.

Every rule below is enforced by the API server when an object is written, and what it answers names the field.
What it cannot see is told in the status instead, at once, as `Ready=False` with the field, the rule and the value:

* a `pattern` that does not compile;
* a time zone that does not exist;
* a `start` or `end` of a schedule that never comes, such as `0 0 31 2 *`, the 31st of February;
* a Secret or a target that is missing;
* the annotations `queueconsumer.dev/paused`, `queueconsumer.dev/paused-replicas` and `queueconsumer.dev/paused-until`
  with a value that means nothing or a name that is misspelt, as the rules of a CustomResourceDefinition reach no
  annotations. See [pausing](operations.md#pausing).

**Unknown fields** are refused under `fieldValidation=Strict`, which kubectl asks for by default,
and by every server-side apply, which is how Helm and most GitOps tools write.
A client that asks for `Warn`, the API server's own default, is warned; one that asks for `Ignore` is not.
For these two the API server removes the field before any rule of a CRD can see it,
so leave validation on (`kubectl --validate` is on unless turned off).

All fields of the spec can be changed at any time; a change takes effect at once.
Durations are whole seconds.
Numbers that may be fractions are integers or strings in Kubernetes quantity form: `2`, `"0.5"`, `"500m"`, `"2k"`.
"""


def page(definition: dict[str, Any]) -> str:
    """Return the whole page for a CustomResourceDefinition."""
    version = definition["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    parts = [INTRODUCTION, *_columns(version["additionalPrinterColumns"])]
    for name in ("spec", "status"):
        parts += _objects(name, schema["properties"][name])
    return "\n".join(parts) + "\n"


def _columns(columns: list[dict[str, Any]]) -> Iterator[str]:
    yield "## Columns of `kubectl get`\n"
    yield "Those marked *wide* are shown with `-o wide`."
    yield "READY counts messages; whether the QueueConsumer is ready is the condition of that name.\n"
    yield "| column | | from | meaning |\n|---|---|---|---|"
    for column in columns:
        wide = "*wide*" if column.get("priority") else ""
        meaning = column.get("description", "How long ago the object was created.")
        yield f"| {column['name'].upper()} | {wide} | `{column['jsonPath']}` | {meaning} |"
    yield ""


def _objects(path: str, schema: dict[str, Any]) -> Iterator[str]:
    """A section for an object, then for each object below it."""
    yield f"## {path}\n\n{schema['description']}\n"
    rules = [_sentence(rule) for rule in schema.get("x-kubernetes-validations", ())]
    if rules:
        yield "\n".join(["Rules across fields:\n", *(f"* {rule}" for rule in rules), ""])
    yield "| field | type | default | rules | description |\n|---|---|---|---|---|"
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        cells = [f"`{name}`", _type(field), _default(field), _rules(field, required=name in required), _text(field)]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    for name, field in schema["properties"].items():
        inner = field.get("items", field)
        if "properties" in inner:
            suffix = "[]" if "items" in field else ""
            described = {"description": field["description"]} | inner
            yield from _objects(f"{path}.{name}{suffix}", described)


def _type(field: dict[str, Any]) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if field["type"] == "array":
        return f"list of {field['items']['type']}s"
    if field.get("format") == "date-time":
        return "time"
    return str(field["type"])


def _default(field: dict[str, Any]) -> str:
    return f"`{field['default']}`" if "default" in field else ""


def _rules(field: dict[str, Any], *, required: bool) -> str:
    rules = ["required"] if required else []
    if "enum" in field:
        rules.append("one of " + ", ".join(f"`{word}`" for word in field["enum"]))
    if "minimum" in field:
        most = f" to {field['maximum']}" if "maximum" in field else " or more"
        rules.append(f"{field['minimum']}{most}")
    if "maxLength" in field:
        least = field.get("minLength", 0)
        rules.append(
            f"{least} to {field['maxLength']} characters" if least else f"up to {field['maxLength']} characters"
        )
    if "maxItems" in field:
        least = field.get("minItems", 0)
        rules.append(f"{least} to {field['maxItems']} entries" if least else f"up to {field['maxItems']} entries")
    if keys := field.get("x-kubernetes-list-map-keys"):
        rules.append(f"`{'`, `'.join(keys)}` is unique")
    if "properties" not in field:
        rules += [rule["message"] for rule in field.get("x-kubernetes-validations", ())]
    return "; ".join(rules)


def _sentence(rule: dict[str, Any]) -> str:
    """A rule across fields, with the field that is blamed when it is broken."""
    field = rule.get("fieldPath", "").lstrip(".")
    return f"`{field}`: {rule['message']}" if field else str(rule["message"])


def _text(field: dict[str, Any]) -> str:
    return " ".join(str(field["description"]).split())


def main() -> int:
    """Write the page, or compare it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    wanted = page(yaml.safe_load(CRD.read_text()))
    if not check:
        PAGE.write_text(wanted)
        return 0
    if PAGE.exists() and PAGE.read_text() == wanted:
        return 0
    sys.stderr.write(
        f"{PAGE.relative_to(ROOT)} does not say what {CRD.relative_to(ROOT)} says; `make generate` writes it again\n"
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
