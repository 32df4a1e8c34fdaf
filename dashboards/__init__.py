"""The Grafana dashboards, from which the JSON is generated that the chart ships: `python -m dashboards`."""
