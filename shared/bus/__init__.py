"""The bus: JetStream behind the few verbs that Trunkline needs. The only package that knows faststream and nats."""

from shared.bus.client import Bus, Queue, Stored, open_bus
from shared.bus.config import ConfigBucket
from shared.bus.settle import Delivery
from shared.bus.topology_job import apply_topology
from shared.bus.unavailable import BusUnavailable

__all__ = ["Bus", "BusUnavailable", "ConfigBucket", "Delivery", "Queue", "Stored", "apply_topology", "open_bus"]
