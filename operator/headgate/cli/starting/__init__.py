"""The first manifests of a model that Headgate shall roll out."""
