"""Password policies, which check a password in the data of prompts by fixed rules and by its strength."""

import re
from hashlib import sha256

from app.executor.people import Person
from app.executor.plan import PROMPT_DATA, Properties
from app.executor.policies.engine import PolicyRequest, Result

_LOWER, _UPPER, _DIGIT = re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]")
_NOT_SET = "Password not set in context"
_TOO_WEAK = "Password is too weak."
# The most characters that zxcvbn takes, as its time grows with the square of their number.
_ESTIMATED_LENGTH = 72


def evaluate(policy: Properties, request: PolicyRequest) -> Result:
    """Whether the password has enough characters of each kind, and is strong enough."""
    data = request.context.get(PROMPT_DATA) or {}
    password = data.get(policy.password_field, request.context.get(policy.password_field))
    if password is None or password == "":
        return Result(False, (_NOT_SET,))
    password = str(password)
    if policy.check_static_rules and not _follows_rules(policy, password):
        return Result(False, (policy.error_message,))
    if policy.check_zxcvbn:
        return _strength(policy, password, request)
    return Result(True)


def _follows_rules(policy: Properties, password: str) -> bool:
    return bool(
        len(password) >= policy.length_min
        and len(_LOWER.findall(password)) >= policy.amount_lowercase
        and len(_UPPER.findall(password)) >= policy.amount_uppercase
        and len(_DIGIT.findall(password)) >= policy.amount_digits
        and sum(password.count(symbol) for symbol in set(policy.symbol_charset)) >= policy.amount_symbols
    )


def _strength(policy: Properties, password: str, request: PolicyRequest) -> Result:
    user = request.user
    digest = sha256(password.encode("utf-8", "surrogatepass")).hexdigest()
    score, advice = request.compute(f"strength of {digest}", _estimate, password, user)
    passes = score > policy.zxcvbn_score_threshold
    return Result(passes, (*(() if passes else (_TOO_WEAK,)), *advice))


def _estimate(password: str, user: Person | None) -> tuple[int, tuple[str, ...]]:
    """The score of a password, from 0 to 4, and advice."""
    from zxcvbn import zxcvbn  # 15 MiB of words, which most servers never need

    known = [] if user is None else [user.username, user.name, user.address]
    estimated = zxcvbn(password[:_ESTIMATED_LENGTH], known)
    return int(estimated["score"]), tuple(map(str, estimated["feedback"]["suggestions"]))
