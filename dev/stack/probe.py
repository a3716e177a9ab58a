"""Whether a process is ready, asked anew each time."""

import contextlib
import http.client
from urllib.parse import urlsplit

_SECONDS = 3.0
_OK = 200


def answers(url: str) -> bool:
    """Tell whether a GET is answered 200 within three seconds."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False
