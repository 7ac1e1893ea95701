"""Is the installation as it has to be? Facts are gathered by one adapter and judged by pure checks."""
