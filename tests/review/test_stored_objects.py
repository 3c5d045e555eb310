"""What a change of the contract means for stored objects."""

from functools import partial

import pytest

from app.review.stored import compare_stored
from tests.asgi import FLOWS
from tests.conftest import application, client_of
from tests.contract.test_stored import ALL_STAGES, RECOVERY, STAGES, added, created, with_naps
from tests.contract_files import loaded, shipped

DUMMY = "authentik_stages_dummy.dummystage"


@pytest.fixture
def contract_with(tmp_path):
    """Makes a contract with some texts replaced."""
    return partial(loaded, tmp_path / "changed")


def effects(old, new, client):
    """Model, property, effect and number of objects of each effect, and what is said of it."""
    found = compare_stored(old, new, client.store.database)
    return [(one.model, one.property, one.effect, one.objects) for one in found.effects], found


@pytest.fixture
def client(client_on_each, make_flow):
    """A client of a store with flows and stages."""
    for designation in ("recovery", "enrollment", "recovery"):
        created(client_on_each, FLOWS, **make_flow(designation=designation))
    for number in range(3):
        created(client_on_each, STAGES, name=f"stage {number}")
    return client_on_each


def test_the_same_contract_means_nothing(client):
    listed, found = effects(shipped(), shipped(), client)
    # The administrator and the group of administrators are stored as well.
    assert (listed, found.objects, found.affected) == ([], 8, 0)
    assert str(found) == "This change affects 0 of 8 stored objects."


def test_values_that_only_the_new_contract_refuses_are_counted(client, contract_with):
    new = contract_with(RECOVERY)
    listed, found = effects(shipped(), new, client)
    assert (listed, found.affected) == ([("authentik_flows.flow", "designation", "enum", 2)], 2)
    # What violates both is none of this change.
    assert effects(new, new, client)[0] == []
    assert effects(new, shipped(), client)[0] == []


@pytest.mark.parametrize(
    ("keywords", "effect", "message"),
    [
        (["default: quiet"], "default", 'would be answered the default of `loud`, "quiet".'),
        (["x-create-default: quiet"], "default", 'would be answered the default of `loud`, "quiet".'),
        ([], "left-out", "would be answered without `loud`: it has no default."),
    ],
    ids=["default", "x-create-default", "none"],
)
def test_a_new_property_is_answered_by_its_default_or_not_at_all(client, contract_with, keywords, effect, message):
    new = contract_with(*added(keywords))
    listed, found = effects(shipped(), new, client)
    assert listed == [(DUMMY, "loud", effect, 3)]
    assert found.effects[0].what == f"3 stored objects of `{DUMMY}` {message}"
    location = found.effects[0].location
    line = (new.files[0].parent / "stages" / "dummy.yaml").read_text("utf-8").splitlines()[location.line - 1]
    assert line.strip() == "loud:"
    assert effects(new, new, client)[0] == []


def test_a_property_that_is_gone_is_told_of_where_a_value_is_stored(database_url, tmp_path):
    old = loaded(tmp_path / "old", *added([]))
    with application(database_url, old) as made:
        client = client_of(*made)
        created(client, STAGES, name="without")
        created(client, STAGES, name="with", loud="a")
        listed, found = effects(old, shipped(), client)
    assert listed == [(DUMMY, "loud", "removed", 1)]
    assert found.effects[0].what.endswith(" would be answered without `loud`; its value stays in the store.")


def test_objects_whose_kind_is_gone_are_counted(database_url, tmp_path):
    old = loaded(tmp_path / "old", edit=with_naps)
    with application(database_url, old) as made:
        client = client_of(*made)
        created(client, "/api/v3/stages/nap/", name="nap")
        assert client.get(ALL_STAGES).json()["pagination"]["count"] == 1
        listed, found = effects(old, shipped(), client)
    assert listed == [("authentik_stages_nap.napstage", "", "x-model", 1)]
    assert found.effects[0].what.startswith("1 stored object of `authentik_stages_nap.napstage` would have no model")
