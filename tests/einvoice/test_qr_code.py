"""The code to scan is, module by module, what an encoder of somebody else's makes."""

import random
import string

import pytest
import segno

from faitfoi.einvoice.qr_code import qr_code

ROOM = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331)
"""Bytes that each version holds at level M (ISO/IEC 18004:2015, table 7)."""


@pytest.mark.parametrize("version", range(1, 14))
def test_a_full_code_of_each_version_is_what_another_encoder_makes(version: int) -> None:
    chosen = random.Random(version)  # the same contents at every run
    content = "\n" + "".join(chosen.choices(string.printable, k=ROOM[version - 1] - 1))
    theirs = segno.make_qr(content, error="m", boost_error=False, encoding="utf-8", mask=3)
    assert theirs.version == version
    assert qr_code(content.encode()) == [bytes(row) for row in theirs.matrix]


@pytest.mark.parametrize("version", range(1, 14))
def test_what_does_not_fill_a_code_is_padded_within_its_version(version: int) -> None:
    smallest = 1 if version == 1 else ROOM[version - 2] + 1
    for size in (smallest, ROOM[version - 1] - 1):
        ours = qr_code(b"\n" * size)
        full = qr_code(b"\n" * ROOM[version - 1])
        assert len(ours) == len(full) == 17 + 4 * version
        assert ours != full


def test_padding_is_the_standard_s() -> None:
    """Mode 4, two bytes, end, then EC and 11 in turn (7.4.10): the modules at the right are the first bits."""
    rows = qr_code(b"a\n")
    places = [(row, column) for row in range(20, 8, -1) for column in (20, 19)]
    bits = "".join(str(rows[row][column] ^ ((row + column) % 3 == 0)) for row, column in places)
    assert int(bits, 2) == 0x402610


def test_what_no_code_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        qr_code(bytes(332))
