"""What a batch's page says of the pace at which its mails leave."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import ChannelKey, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.pacing import expected_end
from faitfoi.records.models import PaceSlot
from tests.pipeline.cast import Scene, file
from tests.pipeline.conftest import portal, relay, scene
from tests.web.conftest import plain

__all__ = ["portal", "relay", "scene"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_batchs_page_says_when_its_last_mail_should_leave(scene: Scene, alice: User) -> None:
    """Complaint D47."""
    scene.change(ChannelKey.EMAIL, pace="1")
    batch = scene.send(file("F-1"), file("F-2"), file("F-3"))
    client, page = Client(), reverse("batch", args=[scene.organisation.slug, batch.pk])
    client.force_login(alice)
    with acting_for(scene.organisation.id):
        end = expected_end(batch)
    assert end is not None
    assert f"{end.astimezone(ZoneInfo(scene.organisation.zone)):%H:%M}" in client.get(page).content.decode()


def test_the_hour_shown_is_the_clocks_on_both_sides_of_the_change_of_hour(scene: Scene, alice: User) -> None:
    """Turns are taken in UTC: none falls in the hour that is missing, or twice in the one that comes back."""
    scene.change(ChannelKey.EMAIL, pace="1")
    batch = scene.send(file("F-1"), file("F-2"))
    client, page = Client(), reverse("batch", args=[scene.organisation.slug, batch.pk])
    client.force_login(alice)
    changes = ((datetime(2027, 3, 28, 0, 59, tzinfo=UTC), "01:59"), (datetime(2027, 3, 28, 1, 1, tzinfo=UTC), "03:01"))
    for at, shown in changes:
        with acting_for(scene.organisation.id):
            PaceSlot.objects.update(at=at)
        assert f"28 mars 2027 à {shown}" in plain(client.get(page).content)
