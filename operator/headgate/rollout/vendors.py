"""The vendor of a model as its decisions see it: what the evaluation comes to, and how much notice was given of each change."""

from datetime import timedelta

from headgate.api.base import line
from headgate.api.vendor import ChangeNotice, FingerprintState, NoticeStatus, Vendor, VendorStatus
from headgate.governance.vendor_evaluation import VendorReading, vendor_reading
from headgate.monitoring.vendor import NOTICE, Notice
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.use_case import governing

_MOST_NOTICES = 8
_DAY = timedelta(days=1)


def note_vendor(draft: Draft, snapshot: Snapshot) -> Draft:
    """What people see of the vendor. What the answers to the probes said stays as it is."""
    spec, before = snapshot.spec, draft.status.vendor
    if spec is None:
        return draft
    reading = vendor_reading(spec, governing(draft, snapshot))
    if reading is None or spec.vendor is None:
        return draft if before is None else draft.with_status(vendor=None)
    fingerprint = before.fingerprint if before is not None and _kept(before, spec.vendor) else None
    after = vendor_status(spec.vendor, reading).model_copy(update={"fingerprint": fingerprint})
    return draft if after == before else draft.with_status(vendor=after)


def _kept(before: VendorStatus, vendor: Vendor) -> bool:
    """A change that nobody announced is not undone by asking no more."""
    known = before.fingerprint
    return vendor.fingerprint is not None or (known is not None and known.state is FingerprintState.UNANNOUNCED_CHANGE)


def vendor_status(vendor: Vendor, reading: VendorReading) -> VendorStatus:
    """All but what the answers to the probes say."""
    newest = sorted(vendor.change_notices, key=lambda notice: notice.effective)[-_MOST_NOTICES:]
    return VendorStatus(
        recommendation=reading.recommendation,
        score=reading.mean,
        reasons=tuple(line(reason) for reason in reading.reasons[:16]),
        notices=tuple(map(notice_status, newest)),
    )


def notice_status(written: ChangeNotice) -> NoticeStatus:
    """How much notice was given, against what the contract asks for."""
    notice = Notice(written.kind, written.received, written.effective)
    return NoticeStatus(
        what=written.what,
        effective=written.effective,
        given=_span(written.effective - written.received),
        agreed=_span(NOTICE[written.kind]),
        late=notice.late,
        deferrable_until=notice.deferrable_until,
    )


def notice_words(notice: NoticeStatus) -> str:
    """The same in a sentence."""
    later = f"; it may be put off until {notice.deferrable_until}" if notice.deferrable_until is not None else ""
    short = f", less than the {notice.agreed} that the contract asks for" if notice.late else f" of {notice.agreed}"
    return f"{notice.what}: takes effect on {notice.effective}, with {notice.given} of notice{short}{later}"


def _span(span: timedelta) -> str:
    days = span // _DAY
    return "1 day" if days == 1 else f"{days} days"
