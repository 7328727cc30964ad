# SPDX-License-Identifier: MIT
"""Which modules are traced, judged without their files: by name alone."""
from typing import Iterable, Optional

from flowtrace_agent import _core

# Installed packages that programs are full of; whole top-level names. A tracer that runs also
# leaves out what lies under site-packages.
THIRD_PARTY = frozenset(
    "aiohttp attr attrs botocore boto3 celery certifi charset_normalizer click cryptography "
    "django fastapi flask flowtrace_agent gevent greenlet gunicorn h11 httpcore httpx idna "
    "itsdangerous jinja2 markupsafe numpy pandas pip pkg_resources pluggy psycopg2 pydantic "
    "pydantic_core pytest redis requests rest_framework setuptools six sqlalchemy starlette "
    "tornado twisted typing_extensions urllib3 uvicorn werkzeug wheel yaml".split()
)


def should_trace_module(
    module: str,
    package_prefix: str = "",
    exclude_patterns: Optional[Iterable[str]] = None,
) -> bool:
    """Is a module traced? An excluded prefix wins over everything, then the user's prefixes."""
    if not module or module.startswith("flowtrace_agent."):
        return False
    if any(module.startswith(pattern) for pattern in exclude_patterns or () if pattern):
        return False
    prefixes = [prefix.strip() for prefix in (package_prefix or "").split(",") if prefix.strip()]
    if prefixes:
        return module.startswith(tuple(prefixes))
    return not (_core.is_stdlib(module) or module.partition(".")[0] in THIRD_PARTY)
