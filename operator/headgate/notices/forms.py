"""A letter in the form of each channel. Words that people wrote are never read as markup, and no button approves anything. Pure."""

from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from headgate.api.base import GROUP
from headgate.api.notifications import Email
from headgate.notices.letter import Letter

Json = dict[str, Any]

CLOUD_EVENT_TYPE = "application/cloudevents+json"
_CARD = "application/vnd.microsoft.card.adaptive"
_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"


def cloud_event(letter: Letter) -> Json:
    """CloudEvents 1.0, structured mode."""
    place, occasion = letter.place, letter.occasion
    path = f"namespaces/{place.namespace}/aimodels/{place.model}"
    data = {
        "reason": str(occasion.reason),
        "message": occasion.words,
        "warning": occasion.warning,
        "environment": place.environment,
        "namespace": place.namespace,
        "model": place.model,
        "version": place.version,
        "attempt": place.attempt,
        "gate": str(occasion.gate or ""),
        "subject": occasion.subject,
        "missingRoles": [str(role) for role in occasion.roles],
        "missing": list(occasion.missing),
        "commands": list(letter.commands),
        "link": letter.link,
    }
    return event(letter.id, str(occasion.reason), source(place.environment), path, letter.at.isoformat(), data)


def source(environment: str) -> str:
    """Which operator speaks."""
    return f"/{GROUP}/{environment}"


def event(identity: str, kind: str, origin: str, subject: str, time: str, data: Json) -> Json:
    """The envelope: the same for everything that Headgate reports."""
    return {
        "specversion": "1.0",
        "id": identity,
        "source": origin,
        "type": f"{GROUP}.{kind}",
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "data": {key: value for key, value in data.items() if value not in ("", [], None)},
    }


def slack(letter: Letter) -> Json:
    """Blocks for an incoming webhook; `text` is what notifications on a phone show."""
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": _mark(letter) + letter.title[:140], "emoji": False}},
        _plain(letter.occasion.words),
    ]
    if letter.occasion.missing:
        blocks.append(_plain("Missing:\n" + _listed(letter)))
    blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"```{_escaped(_typed(letter))}```"}})
    if letter.link:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<{_escaped(letter.link)}|Dashboard>"}})
    return {"text": _escaped(_mark(letter) + letter.title), "blocks": blocks}


def teams(letter: Letter) -> Json:
    """An Adaptive Card in the message that a Workflows webhook takes. Runs of text know no markup."""
    body: list[Json] = [
        _runs({"type": "TextRun", "text": _mark(letter) + letter.title, "weight": "Bolder", "size": "Medium"}),
        _runs({"type": "TextRun", "text": letter.occasion.words}),
    ]
    if letter.occasion.missing:
        body.append(_runs({"type": "TextRun", "text": "Missing:\n" + _listed(letter)}))
    body += [_runs({"type": "TextRun", "text": command, "fontType": "Monospace"}) for command in letter.commands]
    card: Json = {"$schema": _SCHEMA, "type": "AdaptiveCard", "version": "1.4", "body": body}
    if letter.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Dashboard", "url": letter.link}]
    return {"type": "message", "attachments": [{"contentType": _CARD, "contentUrl": None, "content": card}]}


def mail(letter: Letter, how: Email) -> EmailMessage:
    """Plain text. Sent twice it is the same message, so that a mailbox may show it once."""
    message = EmailMessage()
    message["Subject"] = f"[headgate] {_mark(letter)}{letter.title}".replace("\n", " ").replace("\r", " ")
    message["From"] = how.sender
    message["To"] = ", ".join(how.to)
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.id}@{how.sender.rpartition('@')[2]}>"
    # So that nobody's absence is answered to it.
    message["Auto-Submitted"] = "auto-generated"
    parts = [letter.occasion.words, f"Missing:\n{_listed(letter)}" if letter.occasion.missing else "", _typed(letter), letter.link]
    message.set_content("\n\n".join(part for part in parts if part) + "\n")
    return message


def _mark(letter: Letter) -> str:
    return "Warning: " if letter.occasion.warning else ""


def _listed(letter: Letter) -> str:
    return "\n".join(f"- {words}" for words in letter.occasion.missing)


def _typed(letter: Letter) -> str:
    return "\n".join(letter.commands)


def _plain(words: str) -> Json:
    return {"type": "section", "text": {"type": "plain_text", "text": words[:2900], "emoji": False}}


def _runs(run: Json) -> Json:
    return {"type": "RichTextBlock", "inlines": [run]}


def _escaped(words: str) -> str:
    """As Slack asks: everything else in its markup begins with one of these."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
