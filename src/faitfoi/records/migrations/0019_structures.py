"""Public structures, how channels answer, and how a customer's invoices are deposited: tenants' tables."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import faitfoi.accounts.identifiers
from faitfoi.accounts.tenancy import isolation_sql


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("records", "0018_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="chorus_deposit",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.CreateModel(
            name="ChannelHealth",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("", "aucun"),
                            ("email", "e-mail"),
                            ("chorus_pro", "Chorus Pro"),
                            ("plateforme_agreee", "plateforme agréée"),
                            ("post", "courrier postal"),
                            ("portal", "portail"),
                        ],
                        max_length=20,
                    ),
                ),
                ("good_at", models.DateTimeField(null=True)),
                ("bad_at", models.DateTimeField(null=True)),
                ("bad_reason", models.TextField(blank=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("expires_on", models.DateField(null=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "channel health",
                "ordering": ["id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "channel"), name="channel_health_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Structure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("siret", models.CharField(max_length=14)),
                ("known", models.BooleanField(null=True)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("active", models.BooleanField(default=True)),
                ("code_service", models.BooleanField(default=False)),
                ("engagement", models.BooleanField(default=False)),
                ("code_service_or_engagement", models.BooleanField(default=False)),
                ("works_only", models.BooleanField(default=False)),
                ("payment_not_reported", models.BooleanField(default=False)),
                ("services", models.JSONField(default=list)),
                ("raw_sha256", models.CharField(blank=True, max_length=64)),
                ("told_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("failure", models.TextField(blank=True)),
                ("next_look_at", models.DateTimeField(null=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("organisation", "siret"), name="structure_once")],
            },
        ),
        migrations.RunSQL(isolation_sql("records_structure", {})),
        migrations.RunSQL(isolation_sql("records_channelhealth", {})),
    ]
