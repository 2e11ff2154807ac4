"""Nothing leaves the machine unless the user said where to: the switches that keep dependencies from calling home.

Belongs here: environment variables of dependencies, set at each process's entry; which addresses are this machine's. Not here: our own
settings.
"""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from urllib.parse import urlsplit

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",  # unstructured, and others by convention
    "SCARF_NO_ANALYTICS": "true",  # unstructured
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DISABLE_TELEMETRY": "1",  # older Hugging Face libraries
}


def switch_off_telemetry(environment: MutableMapping[str, str]) -> None:
    """Set every switch, so that child processes inherit them too. What the user has set is overruled."""
    environment.update(TELEMETRY_OFF)


def is_this_machine(url: str) -> bool:
    """Whether an address is this machine's own: a proxy that the environment names is for the internet, and not to see it."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
