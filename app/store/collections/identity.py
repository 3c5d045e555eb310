"""Identities of new objects."""

from app import determinism

# The digit that carries the variant, by the random one in its place: its two highest bits are 10.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def new_uuid() -> str:
    """A UUID as text, of version 4 as authentik's are (RFC 9562, section 5.4), of whose random bits the first 48 are the
    milliseconds since 1970, as in version 7 (section 5.7). What is made at once then stands together in each index, so that a
    commit writes few pages instead of one for each object.
    """
    time = f"{int(determinism.now() * 1000):012x}"
    digits = determinism.random_bytes(10).hex()
    return f"{time[:8]}-{time[8:]}-4{digits[:3]}-{_VARIANT[digits[3]]}{digits[4:7]}-{digits[7:19]}"
