"""Which models see pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.agent.llm_port import Candidate, Said

_ALL = "*"
_UNSEEN = "(You cannot see the picture. Tell the person so.)"


@dataclass(frozen=True)
class Vision:
    """`models`: their names, or `*` for all. `default`: what a model without a name is."""

    models: frozenset[str] = frozenset()
    default: str = ""

    def seeing(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return those of the models that see."""
        return [it for it in candidates if _ALL in self.models or (it.name or self.default) in self.models]


def shown(said: Sequence[Said], pictures: Sequence[str]) -> list[Said]:
    """Return a conversation with pictures in what the person wrote last."""
    last = _last(said)
    parts = [
        {"type": "text", "text": said[last]["content"]},
        *({"type": "image_url", "image_url": {"url": url}} for url in pictures),
    ]
    return _replaced(said, last, parts)


def untold(said: Sequence[Said]) -> list[Said]:
    """Return a conversation whose model is told that there is a picture that it cannot see."""
    last = _last(said)
    return _replaced(said, last, f"{said[last]['content']}\n\n{_UNSEEN}")


def _last(said: Sequence[Said]) -> int:
    return max(place for place, it in enumerate(said) if it["role"] == "user")


def _replaced(said: Sequence[Said], place: int, content: object) -> list[Said]:
    return [*said[:place], {**said[place], "content": content}, *said[place + 1 :]]
