"""Password policies, which check a password in the data of prompts by fixed rules."""

import re

from app.executor.plan import PROMPT_DATA, Properties
from app.executor.policies.engine import PolicyRequest, Result

_LOWER, _UPPER, _DIGIT = re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]")
_NOT_SET = "Password not set in context"


def evaluate(policy: Properties, request: PolicyRequest) -> Result:
    """Whether the password has enough characters of each kind."""
    data = request.context.get(PROMPT_DATA) or {}
    password = data.get(policy.password_field, request.context.get(policy.password_field))
    if password is None:
        return Result(False, (_NOT_SET,))
    password = str(password)
    if not policy.check_static_rules:
        return Result(True)
    passes = (
        len(password) >= policy.length_min
        and len(_LOWER.findall(password)) >= policy.amount_lowercase
        and len(_UPPER.findall(password)) >= policy.amount_uppercase
        and len(_DIGIT.findall(password)) >= policy.amount_digits
        and sum(password.count(symbol) for symbol in set(policy.symbol_charset)) >= policy.amount_symbols
    )
    return Result(True) if passes else Result(False, (policy.error_message,))
