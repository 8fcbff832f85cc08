"""Row-level security on every tenant's table, no reference across organisations, and tables that only grow."""

from django.db import migrations

from faitfoi.accounts.tenancy import append_only_sql, isolation_sql

TENANT_TABLES: dict[str, dict[str, str]] = {
    "records_customer": {},
    "records_channelsettings": {},
    "records_batch": {},
    "records_document": {"customer_id": "records_customer"},
    "records_burntnumber": {"document_id": "records_document"},
    "records_batchline": {"batch_id": "records_batch", "document_id": "records_document"},
    "records_artefact": {"document_id": "records_document"},
    "records_delivery": {"document_id": "records_document", "artefact_id": "records_artefact"},
    "records_attempt": {"delivery_id": "records_delivery"},
    "records_event": {"document_id": "records_document", "delivery_id": "records_delivery"},
    "records_journalentry": {},
}

APPEND_ONLY = (
    "records_burntnumber",
    "records_artefact",
    "records_event",
    "records_journalentry",
    "records_journalhead",
)

# The leaf is fixed at birth; only the index is filled in, once.
LEAVES = """
CREATE FUNCTION records_journalleaf_keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'DELETE' OR OLD.index IS NOT NULL OR OLD.leaf <> NEW.leaf OR OLD.entry_id <> NEW.entry_id
  THEN RAISE EXCEPTION 'records_journalleaf only grows: % refused', TG_OP; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER records_journalleaf_keep BEFORE UPDATE OR DELETE ON records_journalleaf
  FOR EACH ROW EXECUTE FUNCTION records_journalleaf_keep();
CREATE INDEX records_journalleaf_waiting ON records_journalleaf (entry_id) WHERE index IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial"), ("accounts", "0002_isolation")]
    operations = [
        *(migrations.RunSQL(isolation_sql(table, references)) for table, references in TENANT_TABLES.items()),
        *(migrations.RunSQL(append_only_sql(table)) for table in APPEND_ONLY),
        migrations.RunSQL(LEAVES),
    ]
