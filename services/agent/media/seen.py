"""What a turn is asked, once it was looked at."""

from dataclasses import dataclass

from services.agent.llm_port import Said


@dataclass(frozen=True)
class Seen:
    """
    A turn's messages with what came with them.

    `wrote`: what the person wrote or spoke, without what else was sent. `words`: whether there is more than pictures to answer.
    """

    asked: tuple[Said, ...] = ()
    wrote: str = ""
    pictures: tuple[str, ...] = ()
    words: bool = True
