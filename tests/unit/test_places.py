"""Places on the pages of a contract."""

from flask import Flask

from app.pages.contract.places import Place, place_at


def test_a_place_in_a_file_that_the_contract_lost_leads_to_its_overview(contract):
    app = Flask(__name__)
    app.add_url_rule("/contract/", endpoint="contract.overview")
    app.add_url_rule("/contract/files/<path:path>", endpoint="contract.file")
    known = contract.public(f"{contract.name}:7:3")
    with app.test_request_context():
        assert place_at(contract, known) == Place(known, "/contract/files/authentik-flows.yaml#L7")
        assert place_at(contract, "gone.yaml:7:3") == Place("gone.yaml:7:3", "/contract/")
