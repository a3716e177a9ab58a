"""What was typed into a form, checked by the API's own models; and the sentence beside each field that is wrong."""

from collections.abc import Collection
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.console.pages.navigation import _
from services.console.pages.view import Errors, View

Form = TypeVar("Form", bound=BaseModel)

_MISSING = _("Fill this in.")
_WRONG = _("This does not have the right form.")
_OF_KIND = {
    "missing": _MISSING,
    "string_too_short": _MISSING,
    "string_type": _MISSING,
    "too_short": _("Choose at least one."),
    "string_too_long": _("At most %(max_length)d signs."),
    "greater_than_equal": _("At least %(ge)d."),
    "less_than_equal": _("At most %(le)d."),
    "int_parsing": _("This is no number."),
    "int_type": _("This is no number."),
    "int_from_float": _("This is no number."),
}
_OF_FIELD = {
    "account_sid": _("An Account SID is AC and 32 digits or letters from a to f."),
    "api_key_sid": _("An API key's SID is SK and 32 digits or letters from a to f."),
    "sid": _("An API key's SID is SK and 32 digits or letters from a to f."),
    "sender": _("This is no WhatsApp number such as +14155238886."),
    "messaging_service_sid": _("A Messaging Service SID is MG and 32 digits or letters from a to f."),
    "email": _("This is no e-mail address."),
}


FINE: Errors = {}
"""Nothing is wrong."""


class Wrong(Exception):
    """A form that cannot be taken. `errors`: a sentence for each field that is wrong."""

    def __init__(self, errors: Errors) -> None:
        super().__init__("wrong form")
        self.errors = errors


def text(view: View, name: str, most: int = 20_000) -> str:
    """Return a field as it was typed, but for line ends."""
    return str(view.form.get(name, "")).replace("\r\n", "\n")[:most]


def filled(view: View, model: type[Form], *, ticks: Collection[str] = (), **more: Any) -> Form:  # noqa: ANN401 - a model's fields
    """
    Return what was typed as the API takes it. Raises Wrong.

    A field that was left empty is null. `ticks`: checkboxes, which browsers leave out where they are not ticked. `more`:
    fields that were not typed.
    """
    typed: dict[str, Any] = {name: text(view, name) for name in model.model_fields if name in view.form}
    given = {name: value if value.strip() else None for name, value in typed.items()}
    given |= {name: name in view.form for name in ticks}
    try:
        return model.model_validate(given | more)
    except ValidationError as wrong:
        raise Wrong(sentences(view, wrong)) from None


def sentences(view: View, wrong: ValidationError) -> Errors:
    """Return what is wrong with each field, in the viewer's words; what concerns the whole form goes by `form`."""
    return {str(it["loc"][-1]) if it["loc"] else "form": _sentence(view, it) for it in wrong.errors()}


def version(view: View) -> int:
    """Return the version that a form was filled in upon."""
    typed = text(view, "version", 9)
    return int(typed) if typed.isdecimal() else 0


def _sentence(view: View, error: ErrorDetails) -> str:
    kind, name = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind in _OF_KIND:
        return view.text(_OF_KIND[kind], **error.get("ctx", {}))
    return view.text(_OF_FIELD.get(name, _WRONG))
