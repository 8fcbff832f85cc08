"""What a channel's column may hold is asked for, so that a new key needs no migration: nothing changes in the database."""

from django.db import migrations, models

from faitfoi.accounts.models import channel_choices


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_size"),
    ]

    operations = [
        migrations.AlterField(
            model_name="organisation",
            name="copy_channel",
            field=models.CharField(blank=True, choices=channel_choices, default="", max_length=20),
        ),
        migrations.AlterField(
            model_name="organisation",
            name="default_channel",
            field=models.CharField(choices=channel_choices, default="email", max_length=20),
        ),
        migrations.AlterField(
            model_name="organisation",
            name="notice_channel",
            field=models.CharField(blank=True, choices=channel_choices, default="", max_length=20),
        ),
    ]
