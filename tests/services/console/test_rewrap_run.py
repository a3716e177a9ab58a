"""The job that brings everything under the newest keys, by the API."""

from services.console.seed import TENANT
from tests.services.console.conftest import KEY, Client


async def test_a_run_tells_which_keys_are_still_needed(client: Client) -> None:
    """
    Here the only one, for the default tenant's data key; nothing was left to do.
    """
    answer = await client.post("/v1/jobs/rewrap/runs", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 201
    assert answer.json() == {
        "done": {},
        "unreadable": {},
        "rekeyed": 0,
        "keys": {"1": {"data_key": 1}},
        "peppers": {},
    }
    assert TENANT not in answer.text
