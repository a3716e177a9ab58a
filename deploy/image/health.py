"""
The image's health check: `health.py [URL]` ends with 0 where URL answers 200, by default the ops port's readiness.

Needs nothing but the standard library, since images hold no curl.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

_SECONDS = 2.5
_OK = 200


def healthy(url: str) -> bool:
    """Tell whether `url` answers 200 in time."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=_SECONDS)
    try:
        connection.request("GET", place.path)
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    default = f"http://127.0.0.1:{os.environ.get('TRUNKLINE_OPS__PORT', '9090')}/readyz"
    sys.exit(not healthy(sys.argv[1] if len(sys.argv) > 1 else default))
