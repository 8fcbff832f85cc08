"""The key that signs an organisation's mail: made here, kept encrypted with the settings, published by DNS."""

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.smtp_mail_dkim import dns_record, make_key, read_dkim
from faitfoi.channels.smtp_mail_message import plain_address
from faitfoi.pipeline.setting_up import CannotSetUp, set_channel
from faitfoi.records.vault import channel_settings


def dkim_record(organisation: Organisation, *, selector: str, new: bool, on: bool, actor: str) -> tuple[str, str, bool]:
    """Return the DNS record's name and text, and whether mail is signed; a missing key is made and kept.

    A new key never signs before `on` says that its record is published. Raises CannotSetUp with a French sentence.
    """
    with acting_for(organisation.id):
        values = channel_settings(ChannelKey.EMAIL)
    if values is None:
        raise CannotSetUp("Le canal e-mail n’est pas réglé : faitfoi channel set email host=… sender_address=…")
    changed = dict(values)
    if new or not values.get("dkim_key"):
        changed |= {"dkim_key": make_key(), "dkim_selector": selector, "dkim": "off"}
    if on:
        changed["dkim"] = "on"
    try:
        domain = changed.get("dkim_domain") or plain_address(changed.get("sender_address", "")).rpartition("@")[2]
        name, text = dns_record(read_dkim(domain=domain, selector=changed["dkim_selector"], pem=changed["dkim_key"]))
    except ValueError as error:
        raise CannotSetUp(str(error)) from error
    if changed != values:
        set_channel(organisation, ChannelKey.EMAIL, changed, actor=actor)
    return name, text, changed.get("dkim") == "on"
