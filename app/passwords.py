"""Hashes of passwords: scrypt (RFC 7914), stored with its cost and salt, so that older hashes stay valid after a change of cost."""

import base64
import hashlib
import hmac

from app import determinism

# 32 MiB and about a tenth of a second, a choice of OWASP's "Password Storage Cheat Sheet".
COST, _BLOCK_SIZE, _PARALLELISM = 2**15, 8, 3
_SALT_BYTES, _HASH_BYTES = 16, 32
_NAME = "scrypt"


def hashed(password: str) -> str:
    """Hash a password for storage. It takes a tenth of a second and more."""
    salt = determinism.random_bytes(_SALT_BYTES)
    costs = (COST, _BLOCK_SIZE, _PARALLELISM)
    return "$".join((_NAME, *map(str, costs), _text(salt), _text(_scrypt(password, salt, *costs))))


def matches(password: str, stored: str) -> bool:
    """Whether a password has a hash. It takes as long as hashing it."""
    _, cost, block_size, parallelism, salt, digest = stored.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(cost), int(block_size), int(parallelism))
    return hmac.compare_digest(found, base64.b64decode(digest))


def matches_nobody(password: str) -> bool:
    """Take as long as `matches`, for a user who does not exist or has no password. :returns: False"""
    _scrypt(password, bytes(_SALT_BYTES), COST, _BLOCK_SIZE, _PARALLELISM)
    return False


def _scrypt(password: str, salt: bytes, cost: int, block_size: int, parallelism: int) -> bytes:
    memory = 128 * block_size * (cost + parallelism + 2)
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=cost,
        r=block_size,
        p=parallelism,
        maxmem=memory,
        dklen=_HASH_BYTES,
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
