"""What each channel gets to see."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.notices.post import BACK, PLACE, WAITING, letter

from headgate.api.notifications import Email
from headgate.notices.forms import cloud_event, mail, slack, teams

EMAIL = Email.model_validate({"host": "mail.example", "sender": "headgate@bank.example", "to": ["dana@bank.example", "sam@bank.example"]})
APPROVE = "kubectl headgate approve credit-scorer -n lending --role fairness-audit"
FORMS = {
    "cloudEvents": lambda one: json.dumps(cloud_event(one)),
    "slack": lambda one: json.dumps(slack(one)),
    "teams": lambda one: json.dumps(teams(one)),
    "email": lambda one: mail(one, EMAIL).get_content(),
}


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from parts(one)


@pytest.mark.parametrize("form", FORMS)
def test_every_channel_says_who_is_missing_what_to_type_and_where_to_look(form: str) -> None:
    text = FORMS[form](letter())
    for words in (*WAITING.missing, APPROVE, "https://grafana.example/d/model?ns=lending", "model=credit-scorer"):
        assert words in text.replace("&amp;", "&")


@pytest.mark.parametrize("form", FORMS)
def test_without_a_dashboard_there_is_no_link(form: str) -> None:
    assert "http" not in FORMS[form](letter(dashboard="")).replace("http://adaptivecards.io/schemas/adaptive-card.json", "")


def test_the_only_button_opens_the_dashboard() -> None:
    actions = [part for part in parts(teams(letter())) if str(part.get("type", "")).startswith("Action.")]
    assert [part["type"] for part in actions] == ["Action.OpenUrl"]
    assert actions[0]["url"].startswith("https://grafana.example/")
    assert not [part for part in parts(slack(letter())) if part.get("type") in ("actions", "button")]


def test_an_event_is_a_cloudevent_of_version_1() -> None:
    event = cloud_event(letter())
    assert {key: event[key] for key in ("specversion", "source", "type", "subject", "time", "datacontenttype")} == {
        "specversion": "1.0",
        "source": "/headgate.dev/production",
        "type": "headgate.dev.WaitingForApproval",
        "subject": "namespaces/lending/aimodels/credit-scorer",
        "time": "2026-03-01T09:30:00+00:00",
        "datacontenttype": "application/json",
    }
    assert event["id"] == letter().id
    assert event["data"]["missingRoles"] == ["fairness-audit", "security-review"]
    assert event["data"]["attempt"] == 4


def test_what_people_wrote_is_no_markup_in_slack() -> None:
    written = letter(replace(BACK, words="Halt by eve: <!channel> *please* <https://evil.example|approve>"), dashboard="")
    marked = [part for part in parts(slack(written)) if part.get("type") == "mrkdwn"]
    assert all("evil.example" not in part["text"] for part in marked)
    assert "<!channel>" not in slack(written)["text"]
    named = letter(BACK, place=replace(PLACE, version="<!channel>"), dashboard="")
    assert "<!channel>" not in slack(named)["text"]


def test_what_people_wrote_is_no_markup_in_teams() -> None:
    card = teams(letter(replace(BACK, words="[approve](https://evil.example)")))["attachments"][0]["content"]
    assert {part["type"] for part in card["body"]} == {"RichTextBlock"}


def test_teams_gets_the_message_that_a_workflow_takes() -> None:
    message = teams(letter())
    (attachment,) = message["attachments"]
    assert message["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["version"] == "1.4"


def test_slack_takes_no_longer_texts() -> None:
    long = letter(replace(WAITING, words="x" * 9000, missing=tuple("y" * 900 for _ in range(16))), place=replace(PLACE, version="v" * 256))
    sizes = [len(part["text"]) for part in parts(slack(long)) if part.get("type") in ("plain_text", "mrkdwn")]
    assert max(sizes) <= 3000
    assert len(slack(long)["blocks"][0]["text"]["text"]) <= 150


def test_a_mail_has_the_headers_that_mailboxes_go_by() -> None:
    message = mail(letter(BACK), EMAIL)
    assert message["Subject"] == "[headgate] Warning: credit-scorer 2.3.1 was taken back (lending, production)"
    assert message["To"] == "dana@bank.example, sam@bank.example"
    assert message["Message-ID"] == f"<{letter(BACK).id}@bank.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Sun, 01 Mar 2026 09:30:00 +0000"


def test_a_version_cannot_put_headers_into_a_mail() -> None:
    message = mail(letter(BACK, place=replace(PLACE, version="1\r\nBcc: eve@evil.example")), EMAIL)
    assert message["Bcc"] is None
    assert "\nBcc:" not in message.as_string()
