"""The stable version's pods against each other: what they teach about noise while nothing differs between them."""
