"""The reference of all metrics, made from the registries that serve them: `python -m metrics` in hack/."""
