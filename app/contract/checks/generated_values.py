"""Check of response schemas against generated values, such as page numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.contract.compile.model import new_reader
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding, shown
from app.contract.validation.rules import violated_by
from app.contract.validation.schemas import Direction, SchemaReader, default_of, schema_properties
from app.domain import Model


@dataclass(frozen=True)
class Samples:
    """Samples of generated values.

    :param responses: samples of whole responses, by operationId
    :param models: the models, by name
    :param properties: samples of the generated properties of a model
    """

    responses: Callable[[str], Sequence[Any]] = lambda _operation: ()
    models: Mapping[str, Model] = field(default_factory=dict)
    properties: Callable[[Model], Mapping[str, Sequence[Any]]] = lambda _: {}


def check_generated_objects(contract: Contract, samples: Samples) -> Iterator[Finding]:
    """Check that the schemas of models admit samples of generated properties."""
    for name, schema in contract.document.get("components", {}).get("schemas", {}).items():
        model = samples.models.get(schema.get("x-model", {}).get("name", ""))
        if model is not None:
            yield from _check_model(contract, name, model, samples.properties(model))


def check_generated_responses(
    contract: Contract, pointer: Pointer, operation: dict[str, Any], samples: Sequence[Any], reader: SchemaReader
) -> Iterator[Finding]:
    """Check that the successful response of an operation admits samples."""
    code = min(operation["responses"])
    place, response = contract.resolve((*pointer, "responses", code), operation["responses"][code])
    for media_type, media in response.get("content", {}).items() if samples else ():
        schema = (*place, "content", media_type, "schema")
        defaults = _defaults(contract, media["schema"])
        for sample in samples:
            whole = {**defaults, **sample} if defaults and isinstance(sample, dict) else sample
            yield from _check(contract, schema, media["schema"], whole, reader)


def _defaults(contract: Contract, schema: Any) -> dict[str, Any]:
    """The values of properties that a result lacks."""
    return {
        name: default[0]
        for name, (_, property_schema) in schema_properties(contract, schema).items()
        if (default := default_of(property_schema))
    }


def _check_model(
    contract: Contract, schema_name: str, model: Model, given: Mapping[str, Sequence[Any]]
) -> Iterator[Finding]:
    reader = SchemaReader(contract, Direction.RESPONSE)
    place = ("components", "schemas", schema_name)
    # The server stores all properties of an object that no request creates.
    sent = model.properties if new_reader(contract, schema_name) else {}
    for name, (where, _) in schema_properties(contract, contract.at(place), place).items():
        if name in sent and name in given:
            problem = f"The server generates {name!r}, and a request body has it."
            yield contract.finding(where, problem, "Make it `readOnly` in the body.")
        elif name in model.in_responses:
            for sample in given.get(name, ()):
                yield from _check(contract, where, contract.at(where), sample, reader)


def _check(contract: Contract, place: Pointer, schema: Any, sample: Any, reader: SchemaReader) -> Iterator[Finding]:
    errors = list(reader.validator(schema).iter_errors(sample))
    for error, violated in zip(errors, violated_by(contract, place, errors, sample), strict=True):
        where = ".".join(map(str, error.instance_path))
        problem = f"The server returns {shown(error.instance)}{f' in {where!r}' if where else ''}: {error.message}."
        yield contract.finding(violated.rule, problem, "Admit it.")
