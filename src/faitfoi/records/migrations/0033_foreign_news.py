"""How much a mail provider has told of mail that another program sent with the same account."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0032_structures_by_channel"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhookdoor",
            name="foreign_news",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
