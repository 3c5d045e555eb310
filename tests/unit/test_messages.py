"""The sentences that clients are told."""

import jsonschema_rs

from app.contract.messages import BODY, explain


def test_a_message_of_the_contract_names_the_value():
    member = {"pattern": "^[a-z]+=[0-9]+$", "x-messages": {"pattern": "{value} is no duration."}}
    body = {"duration": "soon"}
    errors = jsonschema_rs.Draft4Validator({"properties": {"duration": member}}).iter_errors(body)
    assert explain(errors, body, {"duration": member}, BODY) == {"duration": ["soon is no duration."]}
