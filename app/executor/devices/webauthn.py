"""WebAuthn credentials, such as security keys and passkeys (W3C, Web Authentication)."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app import determinism
from app.executor.people import Person
from app.executor.plan import Properties

NAME = "WebAuthn Device"
"""The name of these devices."""

_CHALLENGE_BYTES = 64


class Rejected(Exception):
    """An invalid response. The message is for the user."""


def registration_options(stage: Properties, user: Person, origin: str, issuer: str) -> dict[str, Any]:
    """The options of `navigator.credentials.create`.

    :param stage: the set-up stage
    :param origin: scheme and host of the server
    :param issuer: the name of the service
    """
    attachment = stage.authenticator_attachment
    selection = AuthenticatorSelectionCriteria(
        authenticator_attachment=AuthenticatorAttachment(attachment) if attachment else None,
        resident_key=ResidentKeyRequirement(stage.resident_key_requirement),
        user_verification=UserVerificationRequirement(stage.user_verification),
    )
    options = generate_registration_options(
        rp_id=_relying_party(origin),
        rp_name=issuer,
        user_id=user.uid.encode(),
        user_name=user.username,
        user_display_name=user.name,
        challenge=determinism.random_bytes(_CHALLENGE_BYTES),
        authenticator_selection=selection,
        attestation=AttestationConveyancePreference.DIRECT,
    )
    return options_to_json_dict(options)


def verify_registration(
    response: Mapping[str, Any], options: Mapping[str, Any], verification: str, origin: str
) -> tuple[str, dict[str, Any]]:
    """Verify a new credential.

    :param response: that of the browser
    :param options: see `registration_options`
    :param verification: whether the device has to verify the user
    :returns: the identifier of the credential, and the data that verify it
    :raises Rejected: it is not valid
    """
    try:
        found = verify_registration_response(
            credential=dict(response),
            expected_challenge=base64url_to_bytes(options["challenge"]),
            expected_rp_id=_relying_party(origin),
            expected_origin=origin,
            require_user_verification=_is_required(verification),
        )
    except Exception as error:  # of the library, and of the parsers that it uses
        raise Rejected(str(error)) from error
    data = {"public_key": bytes_to_base64url(found.credential_public_key), "sign_count": found.sign_count}
    return bytes_to_base64url(found.credential_id), data


def authentication_options(credentials: Iterable[str], verification: str, origin: str) -> dict[str, Any]:
    """The options of `navigator.credentials.get`.

    :param credentials: the identifiers of the credentials that are accepted; none for any that the device keeps
    :param verification: whether the device has to verify the user
    :param origin: scheme and host of the server
    """
    options = generate_authentication_options(
        rp_id=_relying_party(origin),
        challenge=determinism.random_bytes(_CHALLENGE_BYTES),
        allow_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(known)) for known in credentials],
        user_verification=UserVerificationRequirement(verification),
    )
    return options_to_json_dict(options)


def verify_assertion(
    response: Mapping[str, Any], options: Mapping[str, Any], data: Mapping[str, Any], verification: str, origin: str
) -> dict[str, Any]:
    """Verify the use of a credential.

    :param response: that of the browser
    :param options: see `authentication_options`
    :param data: see `verify_registration`
    :param verification: whether the device has to verify the user
    :returns: the data afterwards
    :raises Rejected: it is not valid, or a copy of the device was used
    """
    try:
        found = verify_authentication_response(
            credential=dict(response),
            expected_challenge=base64url_to_bytes(options["challenge"]),
            expected_rp_id=_relying_party(origin),
            expected_origin=origin,
            credential_public_key=base64url_to_bytes(data["public_key"]),
            credential_current_sign_count=data["sign_count"],
            require_user_verification=_is_required(verification),
        )
    except Exception as error:  # of the library, and of the parsers that it uses
        raise Rejected(str(error)) from error
    return {**data, "sign_count": found.new_sign_count}


def _relying_party(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _is_required(verification: str) -> bool:
    return UserVerificationRequirement(verification) is UserVerificationRequirement.REQUIRED
