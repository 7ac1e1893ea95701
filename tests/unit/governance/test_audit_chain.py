"""The chain: what is stored where, and that nothing in it can be changed, lost, exchanged or put in unseen."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.governance.chains import MODEL, lines, record, writes

from headgate.api.digests import canonical, sha256
from headgate.governance.audit_chain import MOST_ENTRIES, Anchor, Entry, identity, identity_of, read, verify
from headgate.governance.audit_seal import anchor_of, signed_head

LENGTH = 8
CHAIN = lines(LENGTH)
OTHERS = lines(LENGTH, "lending/other")
SEED = bytes(range(32))


def anchored(chain: list[str], at: int) -> Anchor:
    return Anchor(MODEL, at, sha256(json.loads(chain[at - 1])))


def test_a_chain_as_it_was_stored_is_whole() -> None:
    assert verify(CHAIN, MODEL, anchored(CHAIN, LENGTH)) == ()
    assert verify([], MODEL) == ()


def rehashed(chain: list[str], begin: int) -> list[str]:
    """What somebody writes who knows how: every later entry follows again."""
    made = chain[:begin]
    for text in chain[begin:]:
        entry = json.loads(text)
        if made:
            entry["previous"] = sha256(json.loads(made[-1]))
            entry["id"]["sequence"] = json.loads(made[-1])["id"]["sequence"] + 1
        made.append(canonical(entry).decode())
    return made


FORGED = st.one_of(
    st.tuples(st.just("change"), st.integers(0, LENGTH - 1), st.sampled_from(["why", "by", "what", "time", "attempt", "model"])),
    st.tuples(st.just("drop"), st.integers(0, LENGTH - 1), st.just("")),
    st.tuples(st.just("cut"), st.integers(0, LENGTH - 1), st.just("")),
    st.tuples(st.just("repeat"), st.integers(0, LENGTH - 1), st.just("")),
    st.tuples(st.just("insert"), st.integers(0, LENGTH), st.just("")),
    st.tuples(st.just("exchange"), st.integers(0, LENGTH - 2), st.just("")),
    st.tuples(st.just("spell"), st.integers(0, LENGTH - 1), st.just("")),
    st.tuples(st.just("adopt"), st.integers(0, LENGTH - 1), st.just("")),
)


def forged(how: str, place: int, field: str) -> list[str]:
    chain = list(CHAIN)
    match how:
        case "change":
            entry = json.loads(chain[place])
            if field == "attempt":
                entry["id"]["attempt"] += 1
            else:
                entry[field] += "!"
            chain[place] = canonical(entry).decode()
        case "drop":
            del chain[place]
        case "cut":
            del chain[place:]
        case "repeat":
            chain.insert(place, chain[place])
        case "insert":
            (write,) = writes(record(99))
            chain.insert(place, *write.entries.values())
        case "exchange":
            chain[place], chain[place + 1] = chain[place + 1], chain[place]
        case "spell":
            chain[place] = json.dumps(json.loads(chain[place]))
        case "adopt":
            chain[place] = OTHERS[place]
    return chain


@given(FORGED)
def test_against_an_anchor_every_forgery_is_found(forgery: tuple[str, int, str]) -> None:
    chain = forged(*forgery)
    appended = forgery[:2] == ("insert", LENGTH)
    assert verify(chain, MODEL, anchored(CHAIN, LENGTH)) or (appended and verify(chain, MODEL))


@given(FORGED, st.integers(0, LENGTH))
def test_also_one_that_makes_the_chain_whole_again(forgery: tuple[str, int, str], begin: int) -> None:
    """Everything after the change is written anew with hashes that fit. Only what was appended behind the anchor can pass."""
    how, place, _ = forgery
    chain = rehashed(forged(*forgery), begin)
    if chain[:LENGTH] != CHAIN:
        assert verify(chain, MODEL, anchored(CHAIN, LENGTH)), (how, place)


@given(FORGED, st.integers(1, LENGTH))
def test_up_to_an_older_anchor_nothing_was_changed_if_it_holds(forgery: tuple[str, int, str], at: int) -> None:
    chain = forged(*forgery)
    if not verify(chain, MODEL, anchored(CHAIN, at)):
        assert chain[:at] == CHAIN[:at]


def test_without_an_anchor_the_end_can_be_cut_off() -> None:
    """What the documentation tells: this is what an anchor is for."""
    assert verify(CHAIN[:3], MODEL) == ()
    assert verify(CHAIN[:3], MODEL, anchored(CHAIN, 4)) == ("entry 4, which the anchor names, is not there: the chain was cut",)


@pytest.mark.parametrize("line", ["", "null", "[]", "{}", '{"id":{}}', '{"id":{"attempt":1,"sequence":true}}', "NaN", "[" * 2000])
def test_what_is_no_entry_is_told_as_such(line: str) -> None:
    assert read(line) is None
    assert verify([line, *CHAIN[1:]], MODEL)[0] == "line 1 is no entry in canonical JSON: it was changed"


def test_an_entry_says_everything_and_nothing_empty() -> None:
    (write,) = writes(record(1, ""))
    entry: Entry = json.loads(write.entries[1])
    assert set(entry) == {"by", "id", "model", "previous", "time", "what"}
    assert entry["id"] == {"attempt": 1, "sequence": 1}


def test_an_entry_is_known_wherever_it_stands() -> None:
    first, second = (json.loads(line) for line in lines(2))
    assert identity(first) == identity_of(record(0), MODEL)
    assert identity(second) == identity_of(record(1), MODEL)
    assert identity(first) != identity(second)


def test_segments_are_sealed_when_full_and_the_chain_goes_on_in_the_next() -> None:
    begun, *rest = writes(*(record(k) for k in range(MOST_ENTRIES + 3)))
    assert (begun.segment, begun.begins, begun.after.sealed, len(begun.entries)) == (1, True, True, MOST_ENTRIES)
    assert [(write.segment, write.begins, len(write.entries)) for write in rest] == [(2, True, 3)]
    (more,) = writes(record(99), tail=rest[-1].after)
    assert (more.segment, more.begins, more.after.sequence) == (2, False, MOST_ENTRIES + 4)


def test_segments_are_bounded_by_size_too() -> None:
    made = writes(*(record(k, "x" * 1000) for k in range(MOST_ENTRIES)))
    assert len(made) == 2
    assert all(sum(map(len, write.entries.values())) < 70_000 for write in made)


def test_a_signed_head_is_an_anchor_until_somebody_touches_it() -> None:
    head = signed_head(anchored(CHAIN, LENGTH), SEED)
    anchor = anchor_of(head)
    assert replace(anchor, key="") == anchored(CHAIN, LENGTH)
    for field, value in (("sequence", 7), ("hash", "sha256:" + "0" * 64), ("model", "lending/other")):
        with pytest.raises(ValueError, match="signature does not fit"):
            anchor_of({**head, field: value})
    for nonsense in (None, {}, [], {**head, "signature": "§"}, {**head, "key": "AAAA"}):
        with pytest.raises(ValueError, match="no signed head"):
            anchor_of(nonsense)
