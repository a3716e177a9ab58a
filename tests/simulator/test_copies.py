"""Messages and their media can be deleted, as at Twilio."""

from tests.simulator.contract import API, problems
from tests.simulator.gateway import Gateway
from tests.simulator.twilio import BASE, Twilio, refused

MEDIA_LIST = (API, "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media.json", "get", "200")


async def delete(twilio: Twilio, path: str) -> int:
    answer = await twilio.sim.api.delete(path, auth=twilio.auth)
    return answer.status_code


async def test_a_deleted_message_is_not_there_any_more(twilio: Twilio) -> None:
    """
    Neither by its id nor in the list; a second time it is not found.
    """
    sid = (await twilio.write("Hi"))["sid"]
    path = f"{BASE}/Messages/{sid}.json"
    assert await delete(twilio, path) == 204
    assert refused(await twilio.get(path)) == (404, 20404)
    assert await twilio.list() == []
    assert await delete(twilio, path) == 404


async def test_a_message_under_way_cannot_be_deleted(twilio: Twilio, gateway: Gateway) -> None:
    """
    Twilio says so; once it was delivered it can.
    """
    twilio.sim.world.pace = 5
    sid = await twilio.created()
    answer = await twilio.sim.api.delete(f"{BASE}/Messages/{sid}.json", auth=twilio.auth)
    assert refused(answer) == (409, 20009)
    await gateway.until_reported(sid, "sent")
    assert await delete(twilio, f"{BASE}/Messages/{sid}.json") == 204


async def test_media_are_listed_in_twilios_form_and_go_one_by_one(twilio: Twilio) -> None:
    """
    Without them the message is still there.
    """
    sid = (await twilio.write("", media={"content_type": "image/png"}))["sid"]
    listed = (await twilio.get(f"{BASE}/Messages/{sid}/Media.json")).json()
    assert problems(MEDIA_LIST, listed) == []
    [media] = listed["media_list"]
    assert (media["content_type"], media["parent_sid"]) == ("image/png", sid)
    path = f"{BASE}/Messages/{sid}/Media/{media['sid']}.json"
    assert await delete(twilio, path) == 204
    assert await delete(twilio, path) == 404
    assert (await twilio.get(f"{BASE}/Messages/{sid}/Media.json")).json()["media_list"] == []
    assert (await twilio.get(f"{BASE}/Messages/{sid}.json")).status_code == 200


async def test_what_a_phone_sent_is_fetched_in_two_steps(twilio: Twilio) -> None:
    """
    With the account's credentials at first, and without them where the redirect leads.
    """
    sid = (await twilio.write("", media={"content_type": "application/pdf", "data": "JVBERg=="}))["sid"]
    path = f"{BASE}/Messages/{sid}/Media/ME{sid[2:]}"
    assert (await twilio.sim.api.get(path)).status_code == 401
    first = await twilio.get(path)
    place = first.headers["location"]
    assert (first.status_code, first.content) == (307, b"")
    second = await twilio.sim.api.get(place)
    assert (second.content, second.headers["content-type"]) == (b"%PDF", "application/pdf")
    assert (await twilio.get(place)).status_code == 400
    assert (await twilio.get(path.replace("ME", "MF"))).status_code == 404
    assert await delete(twilio, f"{path}.json") == 204
    assert (await twilio.sim.api.get(place)).status_code == 404
