"""What the directory of a plateforme agréée says of public structures, beside what Chorus Pro says."""

from django.db import migrations, models

import faitfoi.accounts.models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0031_payment_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="structure",
            name="channel",
            field=models.CharField(
                choices=faitfoi.accounts.models.channel_choices, default="chorus_pro", max_length=20
            ),
        ),
        migrations.RemoveConstraint(model_name="structure", name="structure_once"),
        migrations.AddConstraint(
            model_name="structure",
            constraint=models.UniqueConstraint(fields=("organisation", "channel", "siret"), name="structure_once"),
        ),
    ]
