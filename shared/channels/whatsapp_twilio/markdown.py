"""Reads Markdown: any string to a tree, with bare addresses kept whole."""

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

from shared.channels.whatsapp_twilio.markup import urls

_NESTING: Final = 60
"""Levels. What is nested deeper is not read as markup; far below Python's own limit of calls."""

_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_LINE_ENDS: Final = re.compile("\r\n?|[\u2028\u2029]")


class _Reader(MarkdownIt):
    """Takes every address as it stands; who shows it decides whether it is worth showing."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return bool(url)

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link


def clean(text: str) -> str:
    """Leave out control characters except line breaks, make tabs spaces, and replace what cannot be encoded."""
    text = _LINE_ENDS.sub("\n", text).expandtabs(4)
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def parse(markdown: str) -> SyntaxTreeNode:
    """Return the tree of a document."""
    return SyntaxTreeNode(_READER.parse(clean(markdown)))


def _text(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the library's signature
    """Take plain characters up to the next that may be markup, or a whole address, in which nothing is markup."""
    found = state.env.setdefault("urls", {})
    if state.src not in found:
        found[state.src] = dict(urls(state.src))
    starts: dict[int, int] = found[state.src]
    if state.pos in starts:
        end = starts[state.pos]
        if not silent:
            state.push("url", "", 0).content = unescapeAll(state.src[state.pos : end])
        state.pos = end
        return True
    match = state.md.inline.terminator_re.search(state.src, state.pos)
    end = match.start() if match else state.posMax
    end = min((start for start in starts if state.pos < start < end), default=end)
    if end == state.pos:
        return False
    if not silent:
        state.append_pending(state.src[state.pos : end])
    state.pos = end
    return True


def _reader() -> MarkdownIt:
    reader = _Reader("commonmark", {"maxNesting": _NESTING}).enable(["table", "strikethrough"])
    reader.disable("html_block")  # so that the Markdown between tags is read as such
    reader.inline.ruler.at("text", _text)
    return reader


_READER: Final = _reader()
