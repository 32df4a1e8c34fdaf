"""Of prometheus-operator's definitions (monitoring.coreos.com/v1) what the chart uses, after the published API.

A field that is not among them is refused as a misspelt one would be.
"""

from typing import Any, Final

WORDS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
SELECTOR: Final = {
    "type": "object",
    "properties": {
        "matchLabels": WORDS,
        "matchExpressions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "key": {"type": "string"},
                    "operator": {"type": "string"},
                    "values": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["key", "operator"],
            },
        },
    },
}
DURATION: Final = {"type": "string", "pattern": "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?)$"}
ENDPOINTS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "port": {"type": "string"},
            "path": {"type": "string"},
            "interval": DURATION,
            "honorLabels": {"type": "boolean"},
        },
    },
}
NAMESPACE_SELECTOR: Final = {
    "type": "object",
    "properties": {"any": {"type": "boolean"}, "matchNames": {"type": "array", "items": {"type": "string"}}},
}
LABEL_NAMES: Final = {"type": "array", "items": {"type": "string"}}
SPECS: Final[dict[str, dict[str, Any]]] = {
    "ServiceMonitor": {
        "type": "object",
        "required": ["endpoints", "selector"],
        "properties": {
            "selector": SELECTOR,
            "namespaceSelector": NAMESPACE_SELECTOR,
            "endpoints": ENDPOINTS,
            "podTargetLabels": LABEL_NAMES,
        },
    },
    "PodMonitor": {
        "type": "object",
        "required": ["podMetricsEndpoints", "selector"],
        "properties": {
            "selector": SELECTOR,
            "namespaceSelector": NAMESPACE_SELECTOR,
            "podMetricsEndpoints": ENDPOINTS,
            "podTargetLabels": LABEL_NAMES,
        },
    },
    "PrometheusRule": {
        "type": "object",
        "properties": {
            "groups": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "minLength": 1},
                        "interval": DURATION,
                        "rules": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["expr"],
                                "properties": {
                                    "alert": {"type": "string"},
                                    "record": {"type": "string"},
                                    "expr": {"type": "string"},
                                    "for": DURATION,
                                    "keep_firing_for": {**DURATION, "minLength": 1},
                                    "labels": WORDS,
                                    "annotations": WORDS,
                                },
                            },
                        },
                    },
                },
            }
        },
    },
}


def definition(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {"spec": spec}}
                    },
                }
            ],
        },
    }
