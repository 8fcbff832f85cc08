"""What a channel's column may hold is asked for, so that a new key needs no migration: nothing changes in the database."""

from django.db import migrations, models

from faitfoi.accounts.models import channel_choices


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0029_mail_file_size"),
    ]

    operations = [
        migrations.AlterField(
            model_name="channelhealth",
            name="channel",
            field=models.CharField(choices=channel_choices, max_length=20),
        ),
        migrations.AlterField(
            model_name="channelsettings",
            name="channel",
            field=models.CharField(choices=channel_choices, max_length=20),
        ),
        migrations.AlterField(
            model_name="customer",
            name="channel",
            field=models.CharField(blank=True, choices=channel_choices, default="", max_length=20),
        ),
        migrations.AlterField(
            model_name="customer",
            name="copy_channel",
            field=models.CharField(blank=True, choices=channel_choices, default="", max_length=20),
        ),
        migrations.AlterField(
            model_name="deadletter",
            name="channel",
            field=models.CharField(choices=channel_choices, max_length=20),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="channel",
            field=models.CharField(choices=channel_choices, max_length=20),
        ),
        migrations.AlterField(
            model_name="feed",
            name="channel",
            field=models.CharField(choices=channel_choices, max_length=20),
        ),
    ]
