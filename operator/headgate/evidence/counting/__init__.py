"""From counter samples to blocks: every request counted once, whatever restarts, gaps and resets do."""
