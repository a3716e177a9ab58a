"""
Every table. Each docstring names who writes it. Hot paths use plain SQL in the services' `store.py`.

Columns named `sealed_…` hold vault ciphertext bound to their row; null is what nobody needs any more (ADR 13). Times are the database's, with zone. What every message
writes refers to its thread, reply or part by a foreign key, to its tenant and line by value (ADR 10).

Row-level security keeps tenants apart: a service sees the rows of the tenants that its transaction names, and writes the
columns that the migrations grant to its role (ADR 12). `version`: counts the changes that the API makes.
"""

from shared.store.tables.agents import (
    Action,
    Agent,
    FormDelivery,
    McpServer,
    Pipeline,
    PipelineVersion,
    TokenAccount,
    TokenHold,
)
from shared.store.tables.catalogue import CatalogueItem, CatalogueWord, CustomerOrder, DataSource
from shared.store.tables.conversations import Conversation, FormSubmission, Message, Thread, ToolAttempt, ToolCall, Turn
from shared.store.tables.knowledge import KnowledgeChunk, KnowledgeDocument, KnowledgeWord
from shared.store.tables.people import Binding, Contact, ContactAlias, DailyMessages, Lead, PairCode, WrongCode
from shared.store.tables.platform import Canary, Credential, DataKey, Line, SigningSecret, Tenant
from shared.store.tables.sending import Attempt, DeadLetter, Part, Reply, StatusEvent
from shared.store.tables.upkeep import Erasure, JobRun, RollupPlace, Traffic, TrafficContact
from shared.store.tables.users import (
    ApiKey,
    AppUser,
    Audit,
    IdempotentRequest,
    RefusedSignIn,
    SetupToken,
    UserSession,
    UserSignIn,
)

__all__ = [
    "Action",
    "Agent",
    "ApiKey",
    "AppUser",
    "Attempt",
    "Audit",
    "Binding",
    "Canary",
    "CatalogueItem",
    "CatalogueWord",
    "Contact",
    "ContactAlias",
    "Conversation",
    "Credential",
    "CustomerOrder",
    "DailyMessages",
    "DataKey",
    "DataSource",
    "DeadLetter",
    "Erasure",
    "FormDelivery",
    "FormSubmission",
    "IdempotentRequest",
    "JobRun",
    "KnowledgeChunk",
    "KnowledgeDocument",
    "KnowledgeWord",
    "Lead",
    "Line",
    "McpServer",
    "Message",
    "PairCode",
    "Part",
    "Pipeline",
    "PipelineVersion",
    "RefusedSignIn",
    "Reply",
    "RollupPlace",
    "SetupToken",
    "SigningSecret",
    "StatusEvent",
    "Tenant",
    "Thread",
    "TokenAccount",
    "TokenHold",
    "ToolAttempt",
    "ToolCall",
    "Traffic",
    "TrafficContact",
    "Turn",
    "UserSession",
    "UserSignIn",
    "WrongCode",
]
