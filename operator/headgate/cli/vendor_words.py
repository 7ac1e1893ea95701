"""What is known of a model's vendor, in sentences."""

from headgate.api.vendor import VendorStatus
from headgate.rollout.fingerprint import fingerprint_words
from headgate.rollout.vendors import notice_words


def vendor_words(vendor: VendorStatus | None) -> tuple[str, ...]:
    """Nothing for a model of one's own."""
    if vendor is None or vendor.recommendation is None:
        return ()
    score = f" ({vendor.score} of 4)" if vendor.score else ""
    return (
        f"The evaluation is {vendor.recommendation}{score}{''.join(f'; {reason}' for reason in vendor.reasons)}.",
        *(f"Announced: {notice_words(notice)}." for notice in vendor.notices),
        *((f"Fingerprint: {fingerprint_words(vendor.fingerprint)}.",) if vendor.fingerprint is not None else ()),
    )
