"""Entries gathered into one statement keep their order, and an undone savepoint takes its own and no other."""

import json
from contextlib import suppress

import pytest
from django.db import transaction

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.journal import sequence, together, write_entry
from faitfoi.records.models import JournalEntry, JournalLeaf

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "word"


class Undone(Exception):
    """What ends a savepoint in these tests."""


def told(organisation: Organisation) -> list[str]:
    """The words of the entries of a test, in the order that the journal numbers them."""
    sequence()
    with acting_for(organisation.id):
        entries = {each.id: json.loads(each.body) for each in JournalEntry.objects.filter(kind=KIND)}
        leaves = JournalLeaf.objects.filter(entry_id__in=entries, index__isnull=False).order_by("index")
        return [entries[each.entry_id]["word"] for each in leaves]


def tell(word: str) -> None:
    write_entry(KIND, actor="test", word=word)


def test_entries_keep_their_order(cooperative: Organisation) -> None:
    with acting_for(cooperative.id), together():
        tell("first")
        with transaction.atomic():
            tell("second")
        tell("third")
    assert told(cooperative) == ["first", "second", "third"]


def test_an_undone_savepoint_takes_its_own_entries_only(cooperative: Organisation) -> None:
    with acting_for(cooperative.id), together():
        tell("first")
        with suppress(Undone), transaction.atomic():
            tell("second")
            raise Undone
        tell("third")
    assert told(cooperative) == ["first", "third"]


def test_an_error_takes_all_of_them(cooperative: Organisation) -> None:
    with suppress(Undone), acting_for(cooperative.id), together():
        tell("first")
        raise Undone
    with acting_for(cooperative.id), together():
        tell("second")
    assert told(cooperative) == ["second"]
