"""Debian's python3-pymacaroons, asked by lines of JSON: see oracle.ts."""
import json
import sys

from pymacaroons import MACAROON_V2, Macaroon, Verifier
from pymacaroons.serializers.binary_serializer import BinarySerializer

RAW = BinarySerializer()


def read(text):
    return RAW.deserialize_raw(bytes.fromhex(text))


def narrowed(macaroon, question):
    for caveat in question.get("caveats", []):
        macaroon.add_first_party_caveat(caveat)
    party = question.get("party")
    if party:
        key, identifier = bytes.fromhex(party["key"]), bytes.fromhex(party["identifier"])
        macaroon.add_third_party_caveat(party["location"], key, identifier)
    return RAW.serialize_raw(macaroon).hex()


def mint(question):
    key, identifier = bytes.fromhex(question["key"]), bytes.fromhex(question["identifier"])
    macaroon = Macaroon(
        location=question["location"], identifier=identifier, key=key, version=MACAROON_V2
    )
    return narrowed(macaroon, question)


def narrow(question):
    return narrowed(read(question["macaroon"]), question)


def bind(question):
    bound = read(question["macaroon"]).prepare_for_request(read(question["discharge"]))
    return RAW.serialize_raw(bound).hex()


def verify(question):
    seen = []
    verifier = Verifier()
    verifier.satisfy_general(lambda caveat: seen.append(caveat) is None)
    discharges = [read(each) for each in question["discharges"]]
    try:
        verifier.verify(read(question["macaroon"]), bytes.fromhex(question["key"]), discharges)
        return seen
    except Exception:
        return None


ANSWERS = {"mint": mint, "narrow": narrow, "bind": bind, "verify": verify}
for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(ANSWERS[question["ask"]](question)), flush=True)
