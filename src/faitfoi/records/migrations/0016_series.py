"""Series of numbers: a tenant's table."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import faitfoi.accounts.identifiers
from faitfoi.accounts.tenancy import isolation_sql


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_isolation"), ("records", "0015_number_marks")]
    operations = [
        migrations.CreateModel(
            name="Series",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("name", models.SlugField(max_length=20)),
                ("seller_siren", models.CharField(max_length=60)),
                ("pattern", models.CharField(max_length=60)),
                ("year", models.PositiveSmallIntegerField()),
                ("last", models.PositiveIntegerField(default=0)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "series",
                "ordering": ["id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "seller_siren", "name", "year"), name="series_year_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(isolation_sql("records_series", {})),
    ]
