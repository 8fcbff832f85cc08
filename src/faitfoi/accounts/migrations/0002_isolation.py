"""Row-level security of organisations and memberships, from the first day."""

from django.db import migrations

from faitfoi.accounts.tenancy import CURRENT

SIGNED_IN = "nullif(current_setting('faitfoi.user', true), '')::uuid"
DIRECTORY = "current_setting('faitfoi.directory', true) = 'on'"

FORWARD = f"""
ALTER TABLE accounts_membership ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_membership FORCE ROW LEVEL SECURITY;
CREATE POLICY organisation ON accounts_membership
  USING (organisation_id = {CURRENT}) WITH CHECK (organisation_id = {CURRENT});
CREATE POLICY own ON accounts_membership FOR SELECT USING (user_id = {SIGNED_IN});

ALTER TABLE accounts_organisation ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_organisation FORCE ROW LEVEL SECURITY;
CREATE POLICY organisation ON accounts_organisation USING (id = {CURRENT}) WITH CHECK (id = {CURRENT});
CREATE POLICY member ON accounts_organisation FOR SELECT
  USING (EXISTS (SELECT FROM accounts_membership m WHERE m.organisation_id = accounts_organisation.id AND m.user_id = {SIGNED_IN}));
CREATE POLICY directory ON accounts_organisation FOR SELECT USING ({DIRECTORY});
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD)]
