"""Every channel that is set up on a page, by its key."""

from collections.abc import Mapping

from faitfoi.accounts.models import ChannelKey
from faitfoi.pipeline import chorus_wizard, pa_wizard, relay_wizard
from faitfoi.pipeline.wizards import Wizard

WIZARDS: Mapping[str, Wizard] = {
    ChannelKey.EMAIL: relay_wizard.WIZARD,
    ChannelKey.CHORUS_PRO: chorus_wizard.WIZARD,
    ChannelKey.PLATEFORME_AGREEE: pa_wizard.WIZARD,
}
