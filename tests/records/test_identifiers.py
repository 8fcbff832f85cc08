"""Keys sort by the moment they were made, so that the journal's order is the order of the acts."""

import time
from concurrent.futures import ThreadPoolExecutor

from faitfoi.accounts.identifiers import uuid7


def test_identifiers_made_one_after_the_other_sort_so() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_identifiers_made_at_once_are_never_the_same() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = [each for part in pool.map(lambda _: [uuid7() for _ in range(3000)], range(4)) for each in part]
    assert len(set(made)) == len(made)


def test_an_identifier_is_a_uuid_of_version_7_and_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before - 1 <= made.int >> 80 <= time.time_ns() // 1_000_000 + 100
