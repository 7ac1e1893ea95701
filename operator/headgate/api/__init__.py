"""The three resources of headgate.dev/v1alpha1, as pydantic models: the only place where their fields are defined."""
