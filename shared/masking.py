"""How an address is shown to people who need not know it: enough to recognise, too little to call."""

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from shared.addresses import WHATSAPP

_HIDDEN = "•••"
_AT_LEAST = 3
"""So many signs stay hidden, however short the address is."""


def masked(address: str) -> str:
    """
    Return a phone number as `+39 333 ••• 0001`, a user id as `US.134 ••• 1918`; a channel's scheme is left off.

    Source of the form: product-ux.md, section 2.
    """
    bare = address.removeprefix(f"{WHATSAPP}:")
    if not bare.startswith("+"):
        return _cut(bare, head=6)
    digits = bare.removeprefix("+")
    code = next((n for n in (1, 2, 3) if int(digits[:n]) in COUNTRY_CODE_TO_REGION_CODE), 0)
    return f"+{digits[:code]} {_cut(digits[code:], head=3)}" if code else f"+{_cut(digits, head=3)}"


def _cut(text: str, head: int) -> str:
    tail = min(4, max(0, len(text) - _AT_LEAST))
    head = min(head, max(0, len(text) - _AT_LEAST - tail))
    return " ".join(piece for piece in (text[:head], _HIDDEN, text[len(text) - tail :]) if piece)
