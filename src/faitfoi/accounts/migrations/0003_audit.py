"""The month at whose end the books are closed, and what auditors may read."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.conf import settings
from django.db import migrations, models

from faitfoi.accounts.tenancy import CURRENT

SIGNED_IN = "nullif(current_setting('faitfoi.user', true), '')::uuid"

ISOLATION = f"""
ALTER TABLE accounts_mandate ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_mandate FORCE ROW LEVEL SECURITY;
CREATE POLICY organisation ON accounts_mandate
  USING (organisation_id = {CURRENT}) WITH CHECK (organisation_id = {CURRENT});
CREATE POLICY own ON accounts_mandate FOR SELECT USING (user_id = {SIGNED_IN});
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_isolation"),
    ]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="financial_year_ends_in",
            field=models.PositiveSmallIntegerField(default=12),
        ),
        migrations.CreateModel(
            name="Mandate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("years", models.JSONField()),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("given_by", models.CharField(max_length=60)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="mandates", to="accounts.organisation"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mandates",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.RunSQL(ISOLATION),
    ]
