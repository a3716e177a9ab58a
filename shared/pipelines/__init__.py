"""Pipelines: what a tenant's document says, how it is read, and those that come with Trunkline (ADR 19)."""

from shared.pipelines.document import (
    SCHEMA,
    Branch,
    Case,
    Handoff,
    Model,
    Pipeline,
    Reply,
    Retrieve,
    Step,
    Texts,
    Tool,
    When,
)
from shared.pipelines.placeholders import MESSAGE, filled
from shared.pipelines.reading import Fault, NotAPipeline, read_pipeline
from shared.pipelines.shipped import SHIPPED, WHATSAPP_DEFAULT, shipped

__all__ = [
    "MESSAGE",
    "SCHEMA",
    "SHIPPED",
    "WHATSAPP_DEFAULT",
    "Branch",
    "Case",
    "Fault",
    "Handoff",
    "Model",
    "NotAPipeline",
    "Pipeline",
    "Reply",
    "Retrieve",
    "Step",
    "Texts",
    "Tool",
    "When",
    "filled",
    "read_pipeline",
    "shipped",
]
