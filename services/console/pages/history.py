"""Chat history: conversations, what was said in one, and what is done with it: exported, erased."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from psycopg.rows import DictRow

from services.console.api.contacts import Contact
from services.console.api.conversations import Conversation, Id, reader, shown_conversation, shown_said
from services.console.api.routes import may
from services.console.conversations import MOST_COUNTED, Conversations
from services.console.erasure import Erasures, Wanted
from services.console.history import HAS_ERRORS, SEARCHED, Found, History
from services.console.pages.choices import companies, users
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, apart, paged, place, reach, standing
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.scan import Conditions, Mark, existing, owner
from services.console.takeover import LONGEST, Takeover
from shared.ids import ContactId, TenantId, new_id
from shared.store.session import Store
from shared.vault import Vault

_FILTERS = ("channel", "since", "until", "user", "state", "errors")
_HISTORY = "select history from tenant where id = %s"
_SAID = 50
_EXPORTED = 200
_BATCH = 100
_LONGEST_WORDS = 200


@dataclass(frozen=True)
class _Pages:
    """The collaborators of the pages."""

    store: Store
    vault: Vault
    erasures: Erasures
    found: Conversations
    history: History
    takeover: Takeover

    async def overview(self, view: View, words: str = "") -> Response:
        """Answer with the list; with `words`, of the conversations in which they were said."""
        asked = _filters(view)
        tenant = await existing(self.store, view.who, view.company(asked["tenant"]))
        kept = await self._is_kept(tenant)
        told = (
            await self.history.search(tenant, words, view.days(asked["since"], asked["until"]))
            if words and kept
            else None
        )
        rows, behind, news = await self._rows(view, tenant, asked, told)
        lines = await self.history.last_lines(tenant, [row["id"] for row in rows], history=kept)
        shown = paged(view, [shown_conversation(self.vault, row) for row in rows], behind, news)
        page = view.page(
            "history.html",
            list=shown,
            lines=lines,
            tenant=tenant,
            companies=await companies(self.store, view, "/history", tenant),
            users=await users(self.store, view, "/history", tenant, asked["user"]),
            asked=asked,
            is_kept=kept,
            is_filtered=bool(words) or any(asked[name] for name in _FILTERS),
            most=MOST_COUNTED,
            searched=SEARCHED,
            words=words,
            told=told,
        )
        return standing(page, shown)

    async def thread(self, view: View, conversation: str) -> Response:
        """Answer with what was said in one."""
        tenant, row = await self.one(view, conversation)
        spoken = await self.found.spoken(tenant, conversation, place(view), _SAID)
        said = [
            (shown_said(self.vault, tenant, it, spoken.parts, history=row["history"]), it.get("kind"))
            for it in reversed(spoken.rows)
        ]
        shown = shown_conversation(self.vault, row)
        return view.page(
            "thread.html",
            conversation=shown,
            list=paged(view, said, spoken.mark),
            turns=await self.history.turns(tenant, [it.turn for it, _kind in said if it.turn]),
            near=await self.history.neighbours(tenant, shown.contact.id, conversation),
            is_kept=row["history"],
            is_theirs=(is_theirs := bool(row["handed_off_at"]) and row["closed_at"] is None),
            is_window_open=is_theirs and await self.takeover.is_window_open(tenant, conversation),
            reply=new_id("rp"),
            longest=LONGEST,
        )

    async def one(self, view: View, conversation: str) -> tuple[TenantId, DictRow]:
        """Return one, and whose it is. Raises Unknown."""
        tenant = await owner(self.store, view.who, "conversation", {"id = %s": conversation})
        return tenant, await self.found.one(tenant, conversation)

    async def lines(self, tenant: TenantId, row: DictRow, *, kept: bool) -> AsyncIterator[bytes]:
        """Return a conversation as JSON, a line for each thing that was said, the newest first. `kept`: whether texts are."""
        yield _line(shown_conversation(self.vault, row))
        mark = None
        while True:
            spoken = await self.found.spoken(tenant, row["id"], mark, _EXPORTED)
            for it in spoken.rows:
                said = shown_said(self.vault, tenant, it, spoken.parts, history=kept)
                yield orjson.dumps(said.model_dump(mode="json") | {"conversation": row["id"]}) + b"\n"
            if (mark := spoken.mark) is None:
                return

    async def export(self, view: View) -> Response:
        """Answer with every conversation that the filters name, and what was said in each; it is audited."""
        asked = _filters(view)
        tenant = await existing(self.store, view.who, view.company(asked.pop("tenant")))
        await self.history.note_export(view.who, tenant, tenant, {name: it for name, it in asked.items() if it})
        return _jsonl("conversations", self._all_lines(view, tenant, asked, kept=await self._is_kept(tenant)))

    async def _all_lines(
        self, view: View, tenant: TenantId, asked: dict[str, str | None], *, kept: bool
    ) -> AsyncIterator[bytes]:
        """Return them a batch at a time: no transaction lasts longer than its batch."""
        after: Mark | None = None
        while True:
            part = await self.found.read(tenant, _days(view, asked), _which(asked), after, _BATCH)
            for row in part.rows:
                async for line in self.lines(tenant, row, kept=kept):
                    yield line
            if (after := part.edge) is None:
                return

    async def _rows(
        self, view: View, tenant: TenantId, asked: dict[str, str | None], told: Found | None
    ) -> tuple[list[DictRow], Any, int]:
        """Return the rows, where the next page goes on, and how many are new to a page that is open."""
        if told is not None:
            within = {"conversation.id = any(%s)": list(told.conversations)}
            return (
                (await self.found.read(tenant, within, _which(asked), None, len(told.conversations) + 1)).rows,
                None,
                0,
            )
        part = await self.found.read(tenant, _days(view, asked), _which(asked), place(view), reach(view))
        news, kept = apart(view, part.rows, [row["opened_at"] for row in part.rows])
        return *part.keeping(kept).page(ROWS, self.found.scan.order), news

    async def _is_kept(self, tenant: TenantId) -> bool:
        async with self.store.connection(tenant) as connection:
            row = await (await connection.execute(_HISTORY, (tenant,))).fetchone()
        return bool(row and row["history"])


def history(store: Store, vault: Vault, erasures: Erasures, takeover: Takeover) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)
    pages = _Pages(store, vault, erasures, reader(store), History(store, vault), takeover)

    @router.get("/history", **may("conversations:read"))
    async def conversation_list(view: Looking) -> Response:
        return await pages.overview(view)

    @router.post("/history", **may("conversations:read"))
    async def search(view: Looking) -> Response:
        """Look for words, which stay out of the address: they are what somebody said."""
        return await pages.overview(view, str(view.form.get("words", "")).strip()[:_LONGEST_WORDS])

    @router.get("/history/export", **may("conversations:read"))
    async def export_all(view: Looking) -> Response:
        return await pages.export(view)

    @router.get("/history/{conversation}", **may("conversations:read"))
    async def thread(view: Looking, conversation: Id) -> Response:
        return await pages.thread(view, conversation)

    @router.get("/history/{conversation}/export", **may("conversations:read"))
    async def export(view: Looking, conversation: Id) -> Response:
        tenant, row = await pages.one(view, conversation)
        await pages.history.note_export(view.who, tenant, conversation)
        return _jsonl(conversation, pages.lines(tenant, row, kept=row["history"]))

    @router.get("/history/{conversation}/erasure", **may("contacts:write"))
    async def erase_page(view: Looking, conversation: Id) -> Response:
        _tenant, row = await pages.one(view, conversation)
        return view.page(
            "erase.html", conversation=(it := shown_conversation(vault, row)), name=name_of(it.contact), error=None
        )

    @router.post("/history/{conversation}/erasure", **may("contacts:write"))
    async def erase(view: Looking, conversation: Id) -> Response:
        """Erase the person, once their name was typed."""
        tenant, row = await pages.one(view, conversation)
        shown = shown_conversation(vault, row)
        name = name_of(shown.contact)
        if str(view.form.get("name", "")).strip() != name:
            error = view.text(_("This is not the name above."))
            return view.page("erase.html", 422, conversation=shown, name=name, error=error)
        reason = str(view.form.get("reason", "")).strip()[:500] or "asked by the person"
        await erasures.erase(view.who, ContactId(shown.contact.id), Wanted(reason, bool(view.form.get("copies"))))
        return view.go("/history", tenant=tenant, done="erased")

    return router


def name_of(contact: Contact) -> str:
    """Return what a person goes by in the console: what is typed to erase them."""
    return contact.name or contact.number or contact.handle or contact.id


def _filters(view: View) -> dict[str, str | None]:
    return {name: _asked(view, name) for name in ("tenant", *_FILTERS)}


def _days(view: View, asked: dict[str, str | None]) -> Conditions:
    return view.days(asked["since"], asked["until"]).within("opened_at")


def _which(asked: dict[str, str | None]) -> Conditions:
    return {
        "conversation.channel = %s": asked["channel"],
        "conversation.user_id = %s": asked["user"],
        "(closed_at is null) = %s": None if asked["state"] is None else asked["state"] == "open",
        HAS_ERRORS: True if asked["errors"] else None,
    }


def _jsonl(name: str, lines: AsyncIterator[bytes]) -> Response:
    named = {"Content-Disposition": f'attachment; filename="{name}.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=named)


def _asked(view: View, name: str) -> str | None:
    given = view.form.get(name) or view.request.query_params.get(name, "")
    return str(given)[:64] or None


def _line(it: Conversation) -> bytes:
    return orjson.dumps(it.model_dump(mode="json")) + b"\n"
