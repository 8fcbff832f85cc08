"""Django's settings, from the environment; the command line points them at the embedded database."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import font_source_sans_pro

from faitfoi.accounts.secret_files import kept_secret

FAITFOI_HOME = Path(os.environ.get("FAITFOI_HOME", "var")).resolve()
"""Folder of keys, store and logs of this installation (`FAITFOI_HOME`, by default `var` here)."""

FAITFOI_VAULT_KEY = Path(os.environ["FAITFOI_VAULT_KEY"]) if os.environ.get("FAITFOI_VAULT_KEY") else None
"""The file of the key that encrypts credentials and seal keys; by default `keys/credentials.key` in that folder."""

FAITFOI_SHELF = os.environ.get("FAITFOI_SHELF", "") or str(FAITFOI_HOME / "store")
"""Where bytes are kept: a folder, or `s3://bucket/prefix?endpoint=…&lock=COMPLIANCE` (docs/storage.md)."""

FAITFOI_SECOND_SHELF = os.environ.get("FAITFOI_SECOND_SHELF", "")
"""Where their second copy is kept, in the same words; empty means that there is none."""

FAITFOI_RESERVE_MB = int(os.environ.get("FAITFOI_RESERVE_MB", "500"))
"""How many megabytes of a folder's disk stay free: nothing more is taken below."""

FAITFOI_INTEGRITY_SAMPLE = int(os.environ.get("FAITFOI_INTEGRITY_SAMPLE", "200"))
"""How many objects of each organisation are drawn each day to be read again, from every copy."""

FAITFOI_TODAY = os.environ.get("FAITFOI_TODAY", "")
"""Fixed legal day of a demonstration, as AAAA-MM-JJ; empty means the real one."""

FAITFOI_WITNESS = os.environ.get("FAITFOI_WITNESS", "")
"""Addresses of the witnesses (`faitfoi witness` on other machines), separated by spaces; empty means one in a folder
of this machine."""

FAITFOI_WITNESS_KEY = os.environ.get("FAITFOI_WITNESS_KEY", "")
"""The public keys that `faitfoi witness` printed, in the order of the addresses, separated by spaces."""

FAITFOI_WITNESS_QUORUM = os.environ.get("FAITFOI_WITNESS_QUORUM", "")
"""How many of them must have cosigned before anything leaves, at least 1; empty means all."""

FAITFOI_CLOCK = os.environ.get("FAITFOI_CLOCK", "5")
"""Seconds by which a witness's hour, or a time-stamp's, may differ from ours before an alarm says so."""

FAITFOI_TSA = os.environ.get("FAITFOI_TSA", "")
"""Addresses of the time-stamp authorities (RFC 3161), separated by spaces; empty means none."""

FAITFOI_TSA_ROOTS = os.environ.get("FAITFOI_TSA_ROOTS", "")
"""The file (PEM) of the root certificates that their time-stamps must lead to."""

FAITFOI_EVIDENCE_HASH = os.environ.get("FAITFOI_EVIDENCE_HASH", "sha512")
"""Evidence records are hashed anew when this names another algorithm than theirs: sha512, or sha3-512."""

# A host that was cut off says nothing: without these, a connection to it hangs for a quarter of an hour.
PATIENCE_ON_TCP = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}

# PostgreSQL reads and plans a statement once for each connection, not each time: half of what it cost for a document.
# Values then travel beside the text instead of inside it.
PLANNED_ONCE = {"server_side_binding": True, "prepare_threshold": 1}


def database(url: str) -> dict[str, Any]:
    """Read postgresql://user:password@host:port/name?host=/socket/dir into Django's form."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(query.pop("port", "") or parts.port or ""),
        "OPTIONS": {**PLANNED_ONCE, **PATIENCE_ON_TCP, **query},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _secret_key() -> str:
    """Read the key that signs sessions, made at first start beside the other keys (0600)."""
    if given := os.environ.get("FAITFOI_SECRET_KEY"):
        return given
    return kept_secret(FAITFOI_HOME / "keys" / "django.key", lambda: secrets.token_urlsafe(48).encode()).decode()


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = os.environ.get("FAITFOI_HOSTS", "127.0.0.1,localhost,[::1]").split(",")

DATABASES = {"default": database(os.environ.get("DATABASE_URL", "postgresql:///faitfoi"))}
if owner_url := os.environ.get("FAITFOI_OWNER_URL"):
    # The role that owns the tables, for migrations only; the application's role owns nothing.
    DATABASES["owner"] = database(owner_url)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "django_htmx",
    "procrastinate.contrib.django",
    "faitfoi.accounts",
    "faitfoi.records",
    "faitfoi.pipeline",
    "faitfoi.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "faitfoi.web.middleware.guarded_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "faitfoi.web.middleware.french_unless_chosen",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "faitfoi.web.urls"
WSGI_APPLICATION = "faitfoi.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "faitfoi.web.adapter.ClosedSignupAdapter"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "faitfoi.web.pages.entrance.stale_form"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
if os.environ.get("FAITFOI_HTTPS") == "1":
    # Behind a proxy that speaks HTTPS to the world and sets X-Forwarded-Proto itself.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "français"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
TIME_ZONE = "Europe/Paris"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [Path(__file__).parent / "static", ("fonts", Path(font_source_sans_pro.__file__).parent / "files")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 30 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 1000

PROCRASTINATE_IMPORT_PATHS = ["faitfoi.pipeline.jobs", "faitfoi.pipeline.jobs_mail"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("FAITFOI_LOG", "WARNING")},
}
