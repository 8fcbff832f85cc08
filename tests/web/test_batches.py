"""A batch shows a count that adds up, and the very lines behind each figure."""

import re
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.counts import Counts, count_batch
from faitfoi.records.models import Batch, BatchLine
from faitfoi.records.stages import LineOutcome, Stage
from faitfoi.web.arithmetic import SUMS, TERMS, add_up
from faitfoi.web.lines import lines_of
from tests.web.conftest import Work, make_line, plain

ROW = re.compile(r'<th scope="row"')


def page_of(client: Client, work: Work, **query: str) -> str:
    answer = client.get(reverse("batch", args=[work.organisation.slug, work.batch.pk]), query)
    assert answer.status_code == 200
    return plain(answer.content)


def test_the_three_sums_are_those_of_the_design_and_agree(as_alice: Client, documents: Work) -> None:
    with acting_for(documents.organisation.id):
        counts = count_batch(documents.batch)
    sums = add_up(counts)
    assert [(item.whole.key, [part.key for part in item.parts]) for item in sums] == [
        ("received", ["ready", "needs_someone", "refused", "waiting"]),
        ("selected", ["sent", "held", "failed", "skipped"]),
        ("sent", ["accepted", "delivered", "returned", "rejected", "pending", "unknown"]),
    ]
    assert all(item.agrees for item in sums)
    assert counts.received == len(Stage) + 3


def test_what_is_being_read_shows_only_while_there_is_some() -> None:
    keys = [part.key for part in add_up(Counts(received=1, ready=1, selected=1, sent=1, delivered=1))[0].parts]
    assert keys == ["ready", "needs_someone", "refused"]


def test_a_sum_that_does_not_agree_says_so() -> None:
    assert not add_up(Counts(received=3, ready=1))[0].agrees


def test_every_count_links_to_exactly_its_lines(as_alice: Client, documents: Work) -> None:
    with acting_for(documents.organisation.id):
        make_line(documents.batch, 60, documents.documents[Stage.SENT], already_done=True)
        counts = count_batch(documents.batch)
    whole = page_of(as_alice, documents)
    for key in TERMS:
        expected = getattr(counts, key)
        with acting_for(documents.organisation.id):
            assert lines_of(documents.batch, key).count() == expected, key
        assert expected > 0, f"the fixture must reach {key}"
        assert len(ROW.findall(page_of(as_alice, documents, voir=key))) == expected, key
        assert f"?voir={key}#lines" in whole


def test_every_count_of_a_sum_has_its_words() -> None:
    assert {key for whole, parts in SUMS for key in (whole, *parts)} == set(TERMS)


def test_a_refused_file_shows_its_reason_and_each_finding_with_its_rule(as_alice: Client, documents: Work) -> None:
    page = page_of(as_alice, documents, voir="refused")
    assert "fausse.xml" in page
    assert "Une règle officielle n’est pas respectée." in page
    assert "Une facture a une ligne au moins." in page
    assert "<code>BR-16</code>" in page
    assert "<code>BG-25</code>" in page


def test_the_page_asks_again_only_while_something_may_change(as_alice: Client, documents: Work) -> None:
    assert 'hx-trigger="every 3s"' in page_of(as_alice, documents)
    with acting_for(documents.organisation.id):
        settled = {Stage.DELIVERED, Stage.RETURNED, Stage.REJECTED, Stage.UNKNOWN, Stage.TO_FIX}
        kept = [documents.documents[stage].pk for stage in settled]
        BatchLine.objects.filter(batch=documents.batch).exclude(document__in=kept).delete()
    page = page_of(as_alice, documents)
    assert "hx-" not in page.replace("htmx-config", "")
    assert "htmx-2.min.js" not in page
    assert "Tout est réglé" in page


def test_a_long_running_batch_is_asked_for_less_often(as_alice: Client, documents: Work) -> None:
    with acting_for(documents.organisation.id):
        Batch.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert 'hx-trigger="every 30s"' in page_of(as_alice, documents)


def test_the_refresh_can_be_stopped_and_started_again(as_alice: Client, documents: Work) -> None:
    stopped = page_of(as_alice, documents, live="non")
    assert "hx-get" not in stopped
    assert "Reprendre" in stopped
    assert "Arrêter" in page_of(as_alice, documents)


def test_a_refresh_carries_the_live_part_alone_and_keeps_the_filter(as_alice: Client, documents: Work) -> None:
    url = reverse("batch", args=[documents.organisation.slug, documents.batch.pk])
    part = as_alice.get(url, {"voir": "sent"}, headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<div id="live"')
    assert "<html" not in part
    assert f'hx-get="{url}?voir=sent"' in part


def test_files_that_wait_too_long_say_that_the_worker_is_probably_stopped(as_alice: Client, documents: Work) -> None:
    """Complaint D39."""
    assert "(worker) est sans doute arrêté" not in page_of(as_alice, documents)
    with acting_for(documents.organisation.id):
        Batch.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    assert "(worker) est sans doute arrêté" in page_of(as_alice, documents)
    with acting_for(documents.organisation.id):
        BatchLine.objects.filter(outcome=LineOutcome.WAITING).delete()
    assert "(worker) est sans doute arrêté" not in page_of(as_alice, documents)


def test_the_list_of_batches_says_of_each_what_to_look_at(as_alice: Client, documents: Work) -> None:
    page = plain(as_alice.get(reverse("batches", args=[documents.organisation.slug])).content)
    assert "Moissons de novembre" in page
    assert "2 au sort inconnu" in page
    assert "1 refusé" in page
