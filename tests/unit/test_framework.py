"""What Connexion brings along is imported when it is used, and not before."""

import subprocess
import sys

import pytest

from app.contract.connexion import deferred


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that has not been imported."""
    (tmp_path / "seldom_used.py").write_text(
        "VALUE = 1\n\n\ndef double(number, *, plus=0):\n    return 2 * number + plus\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "seldom_used"
    sys.modules.pop("seldom_used", None)


def test_imported_when_it_is_used(module):
    with deferred({module: ("double",)}):
        import seldom_used
        from seldom_used import double
    assert module not in sys.modules
    assert seldom_used.VALUE == 1
    assert "VALUE" in vars(sys.modules[module])
    assert double(3, plus=1) == 7


def test_used_meanwhile(module):
    with deferred({module: ("double",)}):
        from seldom_used import VALUE
    assert VALUE == 1
    assert "VALUE" in vars(sys.modules[module])


def test_what_is_not_there(module):
    with deferred({module: ()}):
        import seldom_used
    assert not hasattr(seldom_used, "__path__")
    with pytest.raises(AttributeError, match="nothing"):
        _ = seldom_used.nothing


def test_what_is_imported_already_stays():
    import json

    with deferred({"json": ("dumps",)}):
        import json as meanwhile
    assert meanwhile is json
    assert sys.modules["json"] is json


# The driver of a store on a server, and what only running flows need.
SELDOM = ("psycopg", "jwt", "cryptography", "webauthn", "pyotp", "smtplib")


def test_a_server_imports_no_client():
    unused = ("httpx", "requests", "starlette.testclient", "sqlalchemy.dialects.postgresql", *SELDOM)
    started = "app.application, app.cli.serve, app.cli.start"
    program = f"import sys, {started}; print([name for name in {unused} if name in sys.modules])"
    response = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert response.stdout == "[]\n"
