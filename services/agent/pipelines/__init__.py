"""How an agent runs: the steps of its pipeline, over what the agent is set up with."""

from services.agent.pipelines.run import Course, Run
from services.agent.pipelines.setup import Chosen, Setup, Sys

__all__ = ["Chosen", "Course", "Run", "Setup", "Sys"]
