"""Grafana dashboards, described here and written to the chart as JSON: `python -m dashboards` in hack/."""
