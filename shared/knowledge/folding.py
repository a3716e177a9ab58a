"""Text as it is compared: case and accents do not count."""

import unicodedata


def folded(text: str) -> str:
    """Return a text without case, accents and compatibility forms."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
