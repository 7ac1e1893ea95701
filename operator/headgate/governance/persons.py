"""Who a username stands for, and which usernames are not what they seem."""

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Zl", "Zp"})
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
"""Scripts with letters that cannot be told apart by looking."""


def person(username: str) -> str:
    """One spelling for one person: `Dana@Bank.example ` and `dana@bank.example` are the same."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def deceptive(username: str) -> str:
    """Why a username may be meant to look like another one, in words; empty if it is plain."""
    if any(unicodedata.category(letter) in _UNSEEN for letter in username):
        return f"{username!a} contains characters that cannot be seen"
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in person(username) if letter.isalpha()} & _ALIKE
    if len(scripts) > 1:
        return f"{username!a} mixes letters of {' and '.join(sorted(script.capitalize() for script in scripts))}"
    return ""
