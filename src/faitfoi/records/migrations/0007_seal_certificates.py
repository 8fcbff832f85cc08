"""The certificates an organisation has sealed with, and how it wants its seals."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.db import migrations, models

from faitfoi.accounts.tenancy import isolation_sql


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_isolation"),
        ("records", "0006_stored_objects"),
    ]

    operations = [
        migrations.CreateModel(
            name="SealCertificate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("fingerprint", models.CharField(max_length=64)),
                ("certificate", models.TextField()),
                ("chain", models.TextField(blank=True)),
                (
                    "driver",
                    models.CharField(
                        choices=[
                            ("local", "fichier chiffré de cette installation"),
                            ("pkcs11", "module matériel (PKCS#11)"),
                            ("csc", "service de signature à distance (CSC)"),
                        ],
                        default="local",
                        max_length=10,
                    ),
                ),
                ("sealed_values", models.BinaryField(default=b"")),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "en service"), ("retired", "remplacé"), ("compromised", "compromis")],
                        default="active",
                        max_length=12,
                    ),
                ),
                ("trusted_size", models.PositiveBigIntegerField(null=True)),
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
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "fingerprint"), name="seal_certificate_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "active")), fields=("organisation",), name="one_active_seal_each"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SealChoices",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "level",
                    models.CharField(
                        choices=[("B-B", "le cachet seul"), ("B-T", "le cachet et son horodatage")],
                        default="B-B",
                        max_length=4,
                    ),
                ),
                (
                    "without_stamp",
                    models.CharField(
                        choices=[
                            ("wait", "attendre l’horodatage"),
                            ("checkpoint", "sceller quand même : le point de contrôle du journal sera horodaté"),
                        ],
                        default="wait",
                        max_length=12,
                    ),
                ),
                ("place", models.CharField(blank=True, max_length=60)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "seal choices",
                "ordering": ["id"],
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("organisation",), name="seal_choices_once")],
            },
        ),
        migrations.RunSQL(isolation_sql("records_sealcertificate", {})),
        migrations.RunSQL(isolation_sql("records_sealchoices", {})),
    ]
