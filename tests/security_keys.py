"""Security keys as software (W3C, Web Authentication): what browsers send for them."""

import hashlib
import json
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

_PRESENT, _VERIFIED, _HAS_CREDENTIAL = 1, 4, 64


class SecurityKey:
    """A security key with one credential.

    :param origin: of the page
    :param identifier: of the credential
    :param verifies: whether it verifies the user
    """

    def __init__(self, origin, identifier=b"credential", *, verifies=True):
        self.origin, self.identifier = origin, identifier
        self.flags = _PRESENT | (_VERIFIED if verifies else 0)
        self.count = 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options):
        """Respond to `navigator.credentials.create`."""
        numbers = self._key.public_key().public_numbers()
        # ES256 on P-256 (RFC 9053).
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + len(self.identifier).to_bytes(2, "big") + self.identifier + encode_cbor(public)
        data = self._data(options["rp"]["id"], self.flags | _HAS_CREDENTIAL) + credential
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options)
        return self._credential({"clientDataJSON": client, "attestationObject": attestation})

    def get(self, options):
        """Respond to `navigator.credentials.get`."""
        self.count += 1
        data, client = self._data(options["rpId"], self.flags), self._client("webauthn.get", options)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential({"clientDataJSON": client, "authenticatorData": data, "signature": signature})

    def _data(self, relying_party, flags):
        return hashlib.sha256(relying_party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind, options):
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _credential(self, response):
        identifier = _text(self.identifier)
        shown = {name: _text(value) for name, value in response.items()}
        return {"id": identifier, "rawId": identifier, "type": "public-key", "response": shown}


def _text(value):
    return urlsafe_b64encode(value).rstrip(b"=").decode()
