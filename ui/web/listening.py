"""Where the app listens.

Belongs here: the socket. Not here: what is served there (``app.py``). Imports little: a taken port is known before the app is loaded.
"""

import socket

from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings


def listen(settings: Settings) -> socket.socket:
    """A socket that listens on ``settings.host`` and ``settings.app_port``.

    Raises:
        RagError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        both = settings.host == "::" and socket.has_dualstack_ipv6()  # "every address" means those of IPv4 too
        return socket.create_server((settings.host, settings.app_port), family=family, backlog=512, dualstack_ipv6=both)
    except OSError as error:
        raise RagError(
            f"The app cannot listen on {settings.app_url}: {error.strerror}. "
            "Stop the program that has the port, or set RAG_APP_PORT to another (and RAG_HOST to an address of this machine)."
        ) from error
