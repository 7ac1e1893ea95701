"""Commands about models in service."""
