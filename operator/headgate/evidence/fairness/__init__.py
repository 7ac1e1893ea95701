"""Whether groups of people are decided about alike."""
