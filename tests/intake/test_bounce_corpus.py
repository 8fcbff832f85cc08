"""Every real report of the public set: a class, and whom and what it says, held to another reader of the same bytes."""

import email
import json
import os
import re
from email import policy
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faitfoi.cli.main import app
from faitfoi.intake.bounces import Bounce, BounceClass, read_bounce

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("FAITFOI_SHARED", ROOT.parent / "shared"))
CORPUS = SHARED / "corpora" / "bounces"
BY_CODE = {
    r"5\.1\.(1|2|3|6|10)": {BounceClass.HARD},
    # The diagnostic of these says more than the code: "User unknown" behind 5.7.1, a quota behind 5.2.1.
    r"[45]\.2\.2": {BounceClass.FULL, BounceClass.DELAYED},
    r"5\.(3\.4|2\.3)": {BounceClass.TOO_BIG},
    r"5\.7\.(26|5\d\d)": {BounceClass.POLICY},
    r"5\.7\.\d+": {BounceClass.POLICY, BounceClass.HARD},
}


@cache
def corpus() -> dict[str, tuple[bytes, Bounce | None]]:
    messages = sorted(CORPUS.rglob("*.eml"))
    if not messages:
        pytest.skip(f"{CORPUS} is not there")
    raws = {str(path.relative_to(CORPUS)): path.read_bytes() for path in messages}
    return {name: (raw, read_bounce(raw)) for name, raw in raws.items()}


def told_by_another_reader(raw: bytes) -> list[tuple[str, str]]:
    """(recipient, status) of each block of the report, by the standard library's parser."""
    message = email.message_from_bytes(raw, policy=policy.compat32)
    reports = ("message/delivery-status", "message/global-delivery-status")
    blocks = [
        block
        for part in message.walk()
        if part.get_content_type() in reports and part.is_multipart()
        for block in part.get_payload()
        if not isinstance(block, str)
    ]
    told = []
    for block in blocks:
        whom = block.get("final-recipient") or block.get("original-recipient")
        if whom:
            status = re.search(r"[245]\.\d+\.\d+", str(block.get("status", "")))
            address = str(whom).rpartition(";")[2].strip("<> \r\n\t")
            told.append((address, status.group() if status else ""))
    return list(dict.fromkeys(told))


def test_every_message_has_a_class_and_a_sentence() -> None:
    for name, (_, bounce) in corpus().items():
        assert bounce is not None, name
        assert bounce.recipients, name
        assert all(each.sentence for each in bounce.recipients), name


def test_the_right_recipient_and_status_are_read_from_nearly_every_report() -> None:
    reports = wrong = 0
    for raw, bounce in corpus().values():
        told = told_by_another_reader(raw)
        if not told:
            continue
        reports += 1
        assert bounce is not None
        ours = {(each.address.lower(), each.status) for each in bounce.recipients}
        for address, status in told:
            # A vague 5.0.0 gives way to the precise code of the diagnostic, of the same first figure.
            vague = not status or status.endswith(".0.0")
            codes = [code for whom, code in ours if whom == address.lower()]
            right = status in codes or (vague and any(code[:1] == status[:1] or not status for code in codes))
            wrong += not right
    assert reports >= 220
    assert wrong / reports <= 0.02


def test_a_precise_code_gives_its_class() -> None:
    seen = set()
    for name, (_, bounce) in corpus().items():
        assert bounce is not None
        for each in bounce.recipients:
            pattern = next((p for p in BY_CODE if re.fullmatch(p, each.status)), None)
            if pattern and each.action == "failed":
                seen.add(pattern)
                assert each.kind in BY_CODE[pattern], (name, each.status, each.kind, each.diagnostic)
    assert len(seen) >= 4


def test_the_page_tells_the_figures_that_the_command_prints() -> None:
    corpus()
    done = CliRunner().invoke(app, ["mail", "read", str(CORPUS), "--json"])
    assert done.exit_code == 0
    figures = json.loads(done.stdout)
    page = (ROOT / "docs" / "email.md").read_text()
    assert f"{figures['messages']} messages" in page
    for kind, number in figures["classes"].items():
        assert f"`{kind}` {number}" in page
    for name in figures["untold"]:
        assert f"`{name}`" in page
    assert len(figures["untold"]) / figures["messages"] <= 0.02
