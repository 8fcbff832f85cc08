"""Details beside the entries (images of rows), and on each leaf whose entry it is and in which order it came."""

from django.db import migrations, models

from faitfoi.accounts.tenancy import CURRENT

DETAILS = f"""
ALTER TABLE records_journaldetails ENABLE ROW LEVEL SECURITY;
ALTER TABLE records_journaldetails FORCE ROW LEVEL SECURITY;
CREATE POLICY organisation ON records_journaldetails
  USING (organisation_id = {CURRENT}) WITH CHECK (organisation_id = {CURRENT});
CREATE FUNCTION records_journaldetails_keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'DELETE' AND current_setting('faitfoi.elimination', true) = 'on' THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'records_journaldetails are erased by an elimination only: % refused', TG_OP;
END $$;
CREATE TRIGGER records_journaldetails_keep BEFORE UPDATE OR DELETE ON records_journaldetails
  FOR EACH ROW EXECUTE FUNCTION records_journaldetails_keep();
"""

# Row-level security holds the owner too: each organisation's entries are looked at under its own name.
WHOSE = """
ALTER TABLE records_journalleaf DISABLE TRIGGER records_journalleaf_keep;
DO $$ DECLARE whose uuid; BEGIN
  PERFORM set_config('faitfoi.directory', 'on', true);
  FOR whose IN SELECT id FROM accounts_organisation LOOP
    PERFORM set_config('faitfoi.organisation', whose::text, true);
    UPDATE records_journalleaf AS leaf SET organisation_id = whose
      FROM records_journalentry AS entry WHERE entry.id = leaf.entry_id;
  END LOOP;
  PERFORM set_config('faitfoi.organisation', '', true);
  PERFORM set_config('faitfoi.directory', '', true);
END $$;
ALTER TABLE records_journalleaf ENABLE TRIGGER records_journalleaf_keep;
"""

ARRIVAL = """
ALTER TABLE records_journalleaf ADD COLUMN arrival bigint GENERATED ALWAYS AS IDENTITY;
DROP INDEX records_journalleaf_waiting;
CREATE INDEX records_journalleaf_waiting ON records_journalleaf (arrival) WHERE index IS NULL;
CREATE OR REPLACE FUNCTION records_journalleaf_keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'DELETE' OR OLD.index IS NOT NULL OR OLD.leaf <> NEW.leaf OR OLD.entry_id <> NEW.entry_id
    OR OLD.organisation_id <> NEW.organisation_id OR OLD.arrival <> NEW.arrival
  THEN RAISE EXCEPTION 'records_journalleaf only grows: % refused', TG_OP; END IF;
  RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0008_attestations"), ("accounts", "0002_isolation")]
    operations = [
        migrations.CreateModel(
            name="JournalDetails",
            fields=[
                ("entry_id", models.UUIDField(primary_key=True, serialize=False)),
                ("organisation_id", models.UUIDField()),
                ("body", models.TextField()),
            ],
            options={"verbose_name_plural": "journal details"},
        ),
        migrations.RunSQL(DETAILS),
        migrations.AddField("journalleaf", "organisation_id", models.UUIDField(null=True)),
        migrations.RunSQL(WHOSE),
        migrations.AlterField("journalleaf", "organisation_id", models.UUIDField()),
        migrations.RunSQL(ARRIVAL),
    ]
