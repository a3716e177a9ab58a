"""Twilio's webhook signature, by its public vectors and beside Twilio's own validator."""

import base64
import hashlib
import hmac
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from shared.channels.ports import Webhook
from shared.channels.whatsapp_twilio import signature
from shared.channels.whatsapp_twilio.inbound import WhatsAppTwilioInbound
from shared.channels.whatsapp_twilio.signature import SETTINGS_HEADER, SIGNATURE_HEADER, Claim
from shared.directory import SigningSecret

VECTOR_TOKEN = "12345"
VECTOR_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
VECTOR_FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
VECTOR_SIGNATURE = b"RSOYDt4T1cUTdK1PDd93/VVr8B8="
BODY_VECTOR = b'{"property": "value", "boolean": true}'
BODY_VECTOR_QUERY = "foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
BODY_VECTOR_SIGNATURE = b"a9nBmqA0ju/hNViExpshrM61xv4="

URL = "https://gateway.example.org/webhooks/twilio"
TOKEN = "0123456789abcdef0123456789abcdef"

Form = list[tuple[str, str]]


class Repeating(dict[str, str]):
    """A form as web frameworks hand it to Twilio's validator: each name with all of its values."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self._form = form

    def getall(self, name: str) -> list[str]:
        return [value for key, value in self._form if key == name]


def token(secret: str) -> SigningSecret:
    return SigningSecret(secret=secret)


def shared_key(key_id: str, secret: str) -> SigningSecret:
    return SigningSecret(kind="shared_key", key_id=key_id, secret=secret)


def twilio_signs(url: str, form: Form, secret: str = TOKEN) -> bytes:
    computed: str = RequestValidator(secret).compute_signature(url, Repeating(form))
    return computed.encode()


def signed_by_key(text: str, secret: str) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))


def accepts(url: str, form: Form, proof: bytes, *secrets: SigningSecret) -> bool:
    text = signature.form_text(form)
    texts = (address + text for address in signature.addresses(url))
    return signature.signed(texts, Claim(proof), secrets or (token(TOKEN),))


def takes(configured: str, signed_url: str, *, suffix: str = "", query: str = "") -> bool:
    """Tell whether the receiver configured with one address takes what was signed over another."""
    receiver = WhatsAppTwilioInbound(configured)
    form = [("AccountSid", "AC1"), ("Body", "")]
    headers = {SIGNATURE_HEADER: (twilio_signs(signed_url, form).decode(),)}
    return receiver.genuine(Webhook(suffix, query, urlencode(form).encode(), headers), form, [token(TOKEN)])


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
few_names = st.sampled_from(["Body", "From", "body", "Ünïcode", ""]) | anything
forms = st.lists(st.tuples(few_names, anything), max_size=12)


def test_twilios_public_vector_for_forms_holds() -> None:
    """
    The example that Twilio's own libraries are tested with is accepted, query and all.
    """
    text = VECTOR_URL + signature.form_text(VECTOR_FORM)
    assert signature.signed([text], Claim(VECTOR_SIGNATURE), [token(VECTOR_TOKEN)])


def test_twilios_public_vector_for_other_bodies_holds() -> None:
    """
    Where the body is no form, the signature is over the address, whose query carries the body's hash.
    """
    url = f"https://mycompany.com/myapp.php?{BODY_VECTOR_QUERY}"
    assert signature.signed([url], Claim(BODY_VECTOR_SIGNATURE), [token(VECTOR_TOKEN)])
    assert signature.body_matches(BODY_VECTOR_QUERY, BODY_VECTOR)


@pytest.mark.parametrize("query", ["", "foo=1", BODY_VECTOR_QUERY + "&" + BODY_VECTOR_QUERY, "bodySHA256="])
def test_a_body_without_exactly_one_hash_does_not_match(query: str) -> None:
    """
    No hash, an empty one and two of them prove nothing.
    """
    assert not signature.body_matches(query, BODY_VECTOR)


def test_a_changed_body_does_not_match_its_hash() -> None:
    """
    One more blank is another body.
    """
    assert not signature.body_matches(BODY_VECTOR_QUERY, BODY_VECTOR + b" ")


@settings(derandomize=True, max_examples=300, deadline=None)
@given(forms, st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_whatever_twilios_own_library_signs_is_accepted(form: Form, secret: str) -> None:
    """
    Repeated names, blank values, other alphabets: our text and Twilio's are the same.
    """
    assert accepts(URL, form, twilio_signs(URL, form, secret), token(secret))


@settings(derandomize=True, max_examples=300, deadline=None)
@given(forms, forms)
def test_both_verifiers_judge_alike(form: Form, other: Form) -> None:
    """
    A signature over one form, shown with another, is judged by ours as by Twilio's.
    """
    proof = twilio_signs(URL, form)
    theirs: bool = RequestValidator(TOKEN).validate(URL, Repeating(other), proof.decode())
    assert accepts(URL, other, proof) is theirs


@settings(derandomize=True, max_examples=100, deadline=None)
@given(forms)
def test_a_form_survives_its_way_over_the_wire(form: Form) -> None:
    """
    What was signed before it was percent-encoded verifies after it was decoded: nothing is trimmed, dropped or folded.
    """
    receiver = WhatsAppTwilioInbound(URL)
    body = urlencode(form).encode()
    headers = {SIGNATURE_HEADER: (twilio_signs(URL, form).decode(),)}
    assert receiver.genuine(Webhook("", "", body, headers), receiver.form(body), [token(TOKEN)])


@pytest.mark.parametrize(
    "form",
    [
        pytest.param([("A", "2"), ("A", "1"), ("A", "2")], id="a-repeated-name"),
        pytest.param([("Body", "Grüße 👋🏽 \u202eשלום")], id="other-alphabets"),
        pytest.param([("Body", "  blanks and a break \r\n ")], id="blanks-at-the-ends"),
        pytest.param([("Body", ""), ("NumMedia", "1")], id="an-empty-body"),
        pytest.param([("b", "1"), ("B", "2"), ("a", "3")], id="upper-case-before-lower"),
        pytest.param([("Body", "1+1=2 & 100% ?#")], id="signs-that-mean-something-in-forms"),
        pytest.param([("Body", "e\u0301"), ("Name", "\u00e9")], id="two-ways-to-write-one-letter"),
        pytest.param([], id="nothing-at-all"),
    ],
)
def test_awkward_forms_are_signed_as_twilio_signs_them(form: Form) -> None:
    """
    The cases at which home-made verifiers fail.
    """
    assert accepts(URL, form, twilio_signs(URL, form))


def test_any_accepted_secret_may_sign() -> None:
    """
    While a token is being replaced, the old and the new one both count, in whatever order they are listed.
    """
    form = [("Body", "Hi")]
    for secret in ("old", "new"):
        proof = twilio_signs(URL, form, secret)
        assert accepts(URL, form, proof, token("old"), token("new"))
        assert accepts(URL, form, proof, token("new"), token("old"))


def test_a_secret_that_is_not_accepted_does_not_count() -> None:
    """
    Neither another account's token nor an empty list lets anything through.
    """
    form = [("Body", "Hi")]
    proof = twilio_signs(URL, form, "somebody else's")
    assert not accepts(URL, form, proof, token("old"), token("new"))
    assert not signature.signed([URL + "BodyHi"], Claim(proof), [])


def test_an_empty_secret_signs_nothing() -> None:
    """
    A missing token would otherwise be a token that everybody knows.
    """
    form = [("Body", "Hi")]
    proof = base64.b64encode(hmac.digest(b"", (URL + "BodyHi").encode(), hashlib.sha1))
    assert not accepts(URL, form, proof, token(""))


@pytest.mark.parametrize(
    "proof",
    [b"", b"=", VECTOR_SIGNATURE[:-1], VECTOR_SIGNATURE + b"=", b" " + VECTOR_SIGNATURE, b"\xff\xfe", b"A" * 100_000],
)
def test_what_is_almost_a_signature_is_refused_quietly(proof: bytes) -> None:
    """
    Too short, too long, not even text: False, and nothing is raised.
    """
    text = VECTOR_URL + signature.form_text(VECTOR_FORM)
    assert not signature.signed([text], Claim(proof), [token(VECTOR_TOKEN)])


@pytest.mark.parametrize("number", range(len(VECTOR_FORM)))
def test_every_field_is_signed(number: int) -> None:
    """
    To change, drop or add a field breaks the signature.
    """
    changed = [
        (name, value + "0") if place == number else (name, value) for place, (name, value) in enumerate(VECTOR_FORM)
    ]
    dropped = [field for place, field in enumerate(VECTOR_FORM) if place != number]
    for form in (changed, dropped, [*VECTOR_FORM, ("Extra", str(number))]):
        text = VECTOR_URL + signature.form_text(form)
        assert not signature.signed([text], Claim(VECTOR_SIGNATURE), [token(VECTOR_TOKEN)])


@pytest.mark.parametrize(
    ("configured", "signed_url"),
    [
        ("https://a.example/w", "https://a.example/w"),
        ("https://a.example/w", "https://a.example:443/w"),
        ("http://a.example/w", "http://a.example:80/w"),
        ("https://a.example:443/w", "https://a.example/w"),
        ("https://a.example:8443/w", "https://a.example:8443/w"),
        ("https://a.example:8443/w", "https://a.example/w"),
        ("https://[::1]:8443/w", "https://[::1]:8443/w"),
        ("https://[::1]:8443/w", "https://[::1]/w"),
        ("https://[::1]/w", "https://[::1]:443/w"),
        ("https://a.example/w#rc=5&rp=5xx,ct,rt", "https://a.example/w"),
        ("https://a.example/api/w", "https://a.example/api/w"),
    ],
)
def test_the_address_counts_with_and_without_its_port(configured: str, signed_url: str) -> None:
    """
    Twilio signs an address as given, without its port, or with the scheme's own; never with the fragment.
    """
    assert takes(configured, signed_url)


@pytest.mark.parametrize(
    ("configured", "signed_url"),
    [
        ("https://a.example/w", "https://a.example:8443/w"),
        ("https://a.example/w", "https://a.example:80/w"),
        ("https://a.example:8443/w", "https://a.example:443/w"),
        ("https://a.example:8443/w", "https://a.example:9443/w"),
        ("https://a.example/w", "http://a.example/w"),
        ("https://a.example/w", "https://b.example/w"),
        ("https://a.example/w", "https://a.example/w/"),
        ("https://a.example/w", "https://a.example/W"),
        ("https://a.example/w", "https://a.example/w?"),
        ("https://a.example/w", "https://a.example/w#rc=5"),
        ("https://a.example/w#rc=5", "https://a.example/w#rc=5"),
    ],
)
def test_no_other_address_counts(configured: str, signed_url: str) -> None:
    """
    Another port, scheme, host or path is another address, and so is one more slash.
    """
    assert not takes(configured, signed_url)


def test_the_path_below_and_the_raw_query_are_signed() -> None:
    """
    What follows the configured address is taken exactly as it was sent, still percent-encoded and in its order.
    """
    assert takes(URL, URL + "/status?b=%20&a=%41", suffix="/status", query="b=%20&a=%41")
    assert not takes(URL, URL + "/status?b=+&a=A", suffix="/status", query="b=%20&a=%41")
    assert not takes(URL, URL + "/status?a=%41&b=%20", suffix="/status", query="b=%20&a=%41")
    assert not takes(URL, URL + "/status", suffix="/status", query="attempt=1")
    assert not takes(URL, URL, suffix="/status")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SIGNATURE_HEADER: ("a", "b")},
        {SIGNATURE_HEADER: ("a", "a")},
        {SIGNATURE_HEADER: ("a",), SETTINGS_HEADER: ("key=k,algorithm=HMAC_SHA256", "key=k,algorithm=HMAC_SHA256")},
        {SIGNATURE_HEADER: ("a",), SETTINGS_HEADER: ("",)},
        {SIGNATURE_HEADER: ("a",), SETTINGS_HEADER: ("algorithm=HMAC_SHA1",)},
        {SIGNATURE_HEADER: ("a",), SETTINGS_HEADER: ("key=,algorithm=HMAC_SHA256",)},
        {SIGNATURE_HEADER: ("a",), SETTINGS_HEADER: ("key=k,algorithm=HMAC_MD5",)},
        {SIGNATURE_HEADER: ("a",), SETTINGS_HEADER: ("key=k,algorithm=NONE",)},
        {SIGNATURE_HEADER: ("a",), SETTINGS_HEADER: ("key=k,algorithm=HMAC_SHA256,key=l",)},
        {SETTINGS_HEADER: ("key=k,algorithm=HMAC_SHA256",)},
    ],
)
def test_there_must_be_exactly_one_signature_of_a_known_kind(headers: dict[str, tuple[str, ...]]) -> None:
    """
    None, two, or one of an algorithm that nobody agreed on: there is nothing to check.
    """
    assert signature.claimed(headers) is None


def test_a_shared_key_signs_with_sha256_under_its_own_id() -> None:
    """
    Where the account has registered a shared key, its signature counts.
    """
    claim = Claim(signed_by_key("text", "key secret"), "webhooks_key")
    assert signature.signed(["text"], claim, [token(TOKEN), shared_key("webhooks_key", "key secret")])


def test_the_settings_header_names_the_shared_key() -> None:
    """
    The id comes from the header, as Twilio writes it.
    """
    headers = {SIGNATURE_HEADER: ("proof",), SETTINGS_HEADER: ("key=webhooks_key,algorithm=HMAC_SHA256",)}
    assert signature.claimed(headers) == Claim(b"proof", "webhooks_key")


def test_one_kind_of_secret_never_stands_in_for_another() -> None:
    """
    The header is the sender's to choose, so it must not choose which secret a signature is measured by.
    """
    by_key = signed_by_key("text", "key secret")
    by_token = signed_by_key("text", TOKEN)
    secrets = [token(TOKEN), shared_key("one", "key secret"), shared_key("two", "other secret")]
    assert not signature.signed(["text"], Claim(by_key), secrets)
    assert not signature.signed(["text"], Claim(by_key, "two"), secrets)
    assert not signature.signed(["text"], Claim(by_key, "unheard_of"), secrets)
    assert not signature.signed(["text"], Claim(by_token, "one"), secrets)
    assert not signature.signed(["text"], Claim(by_token), secrets)
