"""How the tests of settings given on pages fill a form in and read what comes back."""

import re

from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import ChannelHealth
from faitfoi.records.vault import channel_settings
from tests.web.conftest import plain


def page_of(organisation: Organisation, channel: ChannelKey) -> str:
    """The address where a channel is set up."""
    return reverse("set_connection", args=[organisation.slug, channel.value])


def give(
    client: Client, organisation: Organisation, channel: ChannelKey, given: dict[str, str], **more: str
) -> tuple[int, str]:
    """Post the form; returns the status and what the page then says."""
    done = client.post(page_of(organisation, channel), {**given, **more}, follow=True)
    return done.status_code, plain(done.content)


def errors(page: str) -> dict[str, str]:
    """What stands beside each field, by its name."""
    return dict(re.findall(r'<p class="error" id="(\w+)_error" lang="fr">(.*?)</p>', page))


def kept(organisation: Organisation, channel: ChannelKey) -> dict[str, str] | None:
    """The settings that are kept, secrets and all."""
    with acting_for(organisation.id):
        return channel_settings(channel)


def health(organisation: Organisation, channel: ChannelKey) -> ChannelHealth | None:
    """What is noted of the connection."""
    with acting_for(organisation.id):
        return ChannelHealth.objects.filter(channel=channel).first()
