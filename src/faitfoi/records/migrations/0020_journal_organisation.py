"""Entries whose organisation is looked up once a statement, and organisations that stay as their journal does."""

import django.db.models.deletion
from django.db import migrations, models

from faitfoi.accounts.tenancy import CURRENT

# Asked of the setting, not of the row: PostgreSQL answers it once, whatever the number of entries.
KNOWN = f"""
ALTER POLICY organisation ON records_journalentry WITH CHECK (
  organisation_id = {CURRENT} AND EXISTS (SELECT FROM accounts_organisation known WHERE known.id = {CURRENT})
);
CREATE FUNCTION accounts_organisation_keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'an organisation stays as long as its journal: % refused', TG_OP; END $$;
CREATE TRIGGER accounts_organisation_keep BEFORE DELETE ON accounts_organisation
  FOR EACH ROW EXECUTE FUNCTION accounts_organisation_keep();
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0019_structures"), ("accounts", "0003_audit")]
    operations = [
        migrations.AlterField(
            "journalentry",
            "organisation",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
            ),
        ),
        migrations.RunSQL(KNOWN),
    ]
