"""The people whose phones are simulated: a name and an address each."""

from shared.addresses import PERSON

MOST = 20
_FIRST = {
    "Anna": "+15550001",
    "Ben": "+15550002",
    "Chiara": "+393330001111",
    "Dilnoza": "+15550004",
    "Emre": "+15550005",
    "Fay, no number": "US.13491208655302741918",
}


class NoPerson(ValueError):
    """Nobody can be added like this; says why."""


class People:
    """Everybody, by address. Six at first, one of whom shows a user id in place of a number."""

    def __init__(self) -> None:
        self.names = {f"whatsapp:{bare}": name for name, bare in _FIRST.items()}

    def add(self, name: str, address: str) -> None:
        """Add a person, or rename one. Raises NoPerson."""
        if not PERSON.fullmatch(address):
            raise NoPerson("address: a number such as +15550001 or a user id such as US.1234 is needed")
        if address not in self.names and len(self.names) >= MOST:
            raise NoPerson(f"there are {MOST} people already")
        self.names[address] = name
