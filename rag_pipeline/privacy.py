"""Nothing leaves the machine unless the user said where to: the switches that keep dependencies from calling home.

Belongs here: environment variables of dependencies, set at each process's entry; which addresses are this machine's, and what asks them.
Not here: our own settings.
"""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

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


def client_without_tls(timeout_seconds: float) -> httpx.AsyncClient:
    """What asks programs of this machine or installation by HTTP: nothing is contacted but them, by no proxy and no redirection.

    It reads no authorities either, which it needs none of: that would hold up everything else for 15 ms, longer than most answers take.
    """
    import ssl

    import httpx

    no_authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout_seconds, verify=no_authorities)
