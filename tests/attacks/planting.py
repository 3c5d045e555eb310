"""Texts planted through the API, in whatever member of a body takes them."""

from app.contract.validation.schemas import flattened, is_file
from tests.contract_files import shipped
from tests.forms import form


def texts_of(operation):
    """The members of a body that are text of any kind: names, choices, identities, addresses."""
    schemas = {name: flattened(shipped(), schema) for name, schema in operation.body.properties.items()}
    return [
        name for name, schema in schemas.items() if schema.get("type") == "string" and not is_file(shipped(), schema)
    ]


def plant(examples, operation, url, payload):
    """Send an operation with a payload in each text that takes it. :returns: the answer and these texts; None if none does"""
    names = texts_of(operation)
    while names:
        texts = dict.fromkeys(names, payload)
        if operation.body.media_type == "application/json":
            body = examples.body(operation.id)
            own = examples.own(operation, body) if operation.success == 201 else {}
            response = examples.client(operation.method, url, body | own | texts)
        else:
            body, headers = form(texts)
            response = examples.client(operation.method, url, body=body, headers=headers)
        if response.status != 400:
            return response, names
        rejected = response.json().keys()
        assert rejected <= {*names, "non_field_errors"}, (operation.id, payload, response.body)
        names = [name for name in names if name not in rejected] if rejected & {*names} else []
    return None
