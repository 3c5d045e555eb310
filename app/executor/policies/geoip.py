"""GeoIP policies, which pass for addresses of some countries and networks. This server has no database of addresses."""

from app.executor.plan import Properties
from app.executor.policies.engine import PolicyRequest, Result

_DATABASES = {"asns": "ASN", "countries": "City"}


def evaluate(policy: Properties, _request: PolicyRequest) -> Result:
    """Pass if the policy names no place, as the place of an address is unknown."""
    asked = [database for name, database in _DATABASES.items() if policy[name]]
    return Result(not asked, tuple(f"GeoIP: client IP address not found in {name} database." for name in asked))
