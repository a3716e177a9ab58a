"""What every part of a pipeline's document has: nothing beyond what is known, each value of its own kind, no echo in errors."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, populate_by_name=False
    )
