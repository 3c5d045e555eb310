"""Carry a request out by its plan: authenticate, read, call the handler, validate the answer, encode - each once.

Nothing here waits: it runs on the event loop's thread for an embedded database and on a pool's thread for a networked one.
"""

import contextlib
import gc
import random
import time
from collections.abc import Callable, Container, Iterator, Mapping
from functools import partial
from typing import Any

import structlog

from app import determinism, errors
from app.contract.compile.plan import REQUEST, PathPlan, Plan
from app.contract.document.source import Pointer
from app.contract.errors import BrokenContract
from app.contract.request.authentication import PERMISSION_DENIED, Forbidden, allows
from app.contract.request.body import BodyReader, InvalidBody, MalformedBody, UnsupportedMediaType
from app.contract.request.form import FORM
from app.contract.request.origin import origin_of
from app.contract.request.query import MAX_PARAMETERS, TooManyParameters
from app.contract.response import answers
from app.contract.response.answers import CONTINUE, PENDING, Answer, StoredViolation, decode, detail
from app.contract.response.download import write_file
from app.contract.serve.refusals import invalid, refusal_of
from app.contract.serve.request import Request
from app.contract.serve.response_cache import AnswerMemory
from app.contract.validation.messages import Messages
from app.contract.validation.rules import Broken
from app.contract.validation.wording import NON_FIELD_ERRORS
from app.domain import RequestContext
from app.execution import Statement, Unfinished

log = structlog.get_logger("flows.contract")

Problems = Callable[[str, Mapping[str, Any], Mapping[str, Any]], Mapping[str, errors.NotUnique | errors.Missing]]
"""What the store has against members that the contract allows, by member: from the operationId, the members that are unique or
lead to other objects, and the path parameters of the object that they are meant for."""

# How often a request is carried out that the database takes back, and the longest waits in between, in seconds: of the first, from
# which on each is twice as long, and of all. Of those that are in one another's way one succeeds; chance spreads the others.
_ATTEMPTS, _FIRST_WAIT, _LONGEST_WAIT = 20, 0.005, 0.25
# Seconds after which a request is repeated no more: one of an import may take seconds each time.
_LONGEST_RETRY = 10.0


# The largest body that is taken in at once if it is there, in bytes: so much has a head as well, at most.
_SMALL_BODY = 64 * 1024

# From so many bytes on a body may hold so many values that the garbage collector takes as long as to read it.
_LARGE_BODY = 64 * 1024


class Server:
    """Serves requests by their plans.

    :param store: what each handler gets first
    :param problems: what the store has against some members. authentik reports all at once (recorded:
        `create.dup_slug_plus_missing`), so it is asked for the members that are right when others are not
    :param body_limit: the largest body, in bytes
    :param memory: answers that may be given again; None to remember none
    :param json_limit: the largest body that is JSON, in bytes; None if there is no further limit
    :param unit_of_work: undoes all that is stored in it if anything is raised
    """

    def __init__(
        self,
        store: Any,
        problems: Problems,
        body_limit: int,
        memory: AnswerMemory | None,
        json_limit: int | None = None,
        unit_of_work: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
    ) -> None:
        self._store = store
        self._memory = memory
        self._problems = problems
        self._unit_of_work = unit_of_work
        self._body_limit = body_limit
        self._json_limit = body_limit if json_limit is None else min(json_limit, body_limit)

        # A body that came with its head is in memory already, and costs less than to look at credentials twice.
        self.small_body = min(_SMALL_BODY, self._json_limit)

    def limit_of(self, reader: BodyReader) -> int:
        """The largest body that a reader is given, in bytes."""
        return self._body_limit if reader.media_type == FORM else self._json_limit

    def serve(self, path: PathPlan, plan: Plan | None, request: Request) -> Answer:
        """The answer to a request, `CONTINUE` to one that can't be answered without its body, which has not been read.

        What goes wrong here is a 500 or 503, logged with its traceback.

        :raises Locked: nothing was changed, and the caller may wait and try again
        :raises WouldBlock: it has to be carried out elsewhere, or later
        """
        try:
            if plan is None:
                return self._without_operation(path, request)
            answer = self._insist(path, plan, request)
            # `CONTINUE` and `PENDING` are sent to nobody.
            if answer.status != plan.status and answer.status >= 200:
                _check_refusal(plan, answer)
            return answer
        except errors.Locked:
            raise
        except Exception as error:
            return self._failed(error, path, plan, request)

    def begin(self, path: PathPlan, plan: Plan, request: Request) -> Answer | Unfinished[Answer]:
        """Serve a request, but hand out the statement that its handler returns, if it does, instead of running it.

        :raises WouldBlock: it has to be carried out elsewhere, or later
        """
        request.defers = True
        try:
            answer = self.serve(path, plan, request)
        finally:
            request.defers = False
        if answer is not PENDING or request.statement is None:
            return answer
        return Unfinished(request.statement, partial(self._complete, path, plan, request, request.statement.finish))

    def _complete(self, path: PathPlan, plan: Plan, request: Request, finish: Callable[[Any], Any], row: Any) -> Answer:
        """The answer to a request whose statement has been run. :param row: the first row of its result"""
        try:
            try:
                answer = _written(plan, finish(row))
            except errors.DomainError as error:
                answer = self._refused(plan, request, {}, error)
                _check_refusal(plan, answer)
        except Exception as error:
            return self._failed(error, path, plan, request)
        return answer

    def _failed(self, error: Exception, path: PathPlan, plan: Plan | None, request: Request) -> Answer:
        """The answer to a request that an exception has ended."""
        operation = plan.operation_id if plan else None
        match error:
            case Forbidden():
                first = plan or next(iter(path.plans.values()))
                return detail(403, str(error), broken=[Broken(first.security)])
            case TooManyParameters():
                return detail(400, f"There are more than {MAX_PARAMETERS} query parameters.")
            case errors.Unavailable():
                return unavailable(error, request)
            case BrokenContract():
                log.error("answer breaks the contract", id=request.id, operation=operation, problem=str(error))
            case _:
                log.error("request failed", id=request.id, operation=operation, exc_info=error)
        return detail(500, answers.SERVER_ERROR)

    def _without_operation(self, path: PathPlan, request: Request) -> Answer:
        """204 for OPTIONS, 405 for a method that the path does not have.

        403 to those who could not have used the method, and to wrong credentials (recorded: `auth.*.delete_list`,
        `auth.*.post_detail`, `auth.bad.options_detail`).
        """
        if request.authorization is not None or request.method in path.undefined:
            verify = next((plan.verify for plan in path.plans.values() if plan.verify), None)
            required = path.undefined.get(request.method, frozenset())
            if verify is not None and (required or request.authorization):
                request.access = verify(request.authorization)
                if not allows(request.access, required):
                    return _denied((*path.pointer, "x-required-permissions", request.method.lower()))
        if request.method == "OPTIONS":
            return Answer(204)
        return detail(405, f'Method "{request.method}" not allowed.')

    def _insist(self, path: PathPlan, plan: Plan, request: Request) -> Answer:
        """Carry a request out, again if the database took it back. Only one on the network does, so a thread of its own waits."""
        for attempt in range(_ATTEMPTS - 1):
            try:
                return self._carry_out(path, plan, request)
            except errors.TakenBack as error:
                if determinism.clock() - request.started > _LONGEST_RETRY:
                    raise
                log.info("taken back", id=request.id, operation=plan.operation_id, error=str(error))
                time.sleep(random.uniform(0, min(_FIRST_WAIT * 2**attempt, _LONGEST_WAIT)))  # noqa: S311  # no secret
        return self._carry_out(path, plan, request)

    def _carry_out(self, path: PathPlan, plan: Plan, request: Request) -> Answer:
        access = request.access = plan.verify(request.authorization) if plan.verify is not None else None
        if not allows(access, plan.permissions):
            return self._unless_missing(path, plan, request, _denied((*plan.pointer, "x-required-permissions")))
        if self._memory is None or not plan.remembered:
            return self._execute(path, plan, request)
        answer = self._memory.recall(request.path, request.query)
        if answer is None:
            answer = self._execute(path, plan, request)
            # Violations are counted each time that they are answered.
            if answer.status == plan.status and not answer.stored_violations:
                self._memory.remember(request.path, request.query, answer)
        return answer

    def _execute(self, path: PathPlan, plan: Plan, request: Request) -> Answer:
        """Read the query and the body, call the handler, write its answer."""
        arguments, refusal = plan.query.read(request.query)
        if refusal is not None:
            if refusal.messages:
                return invalid(refusal.messages, refusal.broken)
            return detail(404, refusal.not_found, broken=refusal.broken)
        if request.path_values:
            arguments = {**request.path_values, **arguments}
        elif request.path_values is None:
            return _no_such_object(path, request)
        if plan.body is not None:
            body, refused = self._read_body(plan, plan.body, request)
            if refused is not None:
                return refused if refused is CONTINUE else self._unless_missing(path, plan, request, refused)
            arguments = {**arguments, "body": body}
        if plan.knows_request:
            arguments = {**arguments, REQUEST: _context(request)}
        if plan.examples is not None:
            return plan.examples.answer(request.scope["headers"])
        try:
            if not plan.undoable:
                result = plan.handler(self._store, **arguments)
                return self._run(plan, request, result) if type(result) is Statement else _written(plan, result)
            # What was stored for an answer that breaks the contract is undone.
            with self._unit_of_work():
                return _written(plan, plan.handler(self._store, **arguments), arguments.get("body", ()))
        except errors.DomainError as error:
            return self._refused(plan, request, arguments, error)

    def _run(self, plan: Plan, request: Request, statement: Statement) -> Answer:
        """Run the statement of a handler, or leave that to the caller of `begin`."""
        if request.defers:
            request.statement = statement
            return PENDING
        return _written(plan, self._store.run(statement))

    def _refused(self, plan: Plan, request: Request, arguments: Mapping[str, Any], error: errors.DomainError) -> Answer:
        """The answer to a request that a handler has refused."""
        if not isinstance(error, errors.NotUnique | errors.Missing):
            return refusal_of(error, plan)
        if plan.body is None:
            raise error
        body = arguments["body"]
        return self._invalid(
            plan, plan.body, request, body, plan.body.messages_of(error), plan.body.broken_by(error, body)
        )

    def _read_body(self, plan: Plan, reader: BodyReader, request: Request) -> tuple[dict[str, Any], Answer | None]:
        if request.body is None:
            return {}, request.unread
        try:
            if len(request.body) < _LARGE_BODY:
                return reader.read(request.body, request.content_type), None
            with _no_collections():
                return reader.read(request.body, request.content_type), None
        except UnsupportedMediaType:
            sentence = f'Unsupported media type "{request.content_type}" in request.'
            return {}, detail(415, sentence, broken=[Broken(reader.pointer)])
        except MalformedBody as error:
            return {}, detail(400, str(error), broken=[Broken(reader.pointer)])
        except InvalidBody as error:
            return {}, self._invalid(plan, reader, request, error.valid, error.messages, error.broken)

    def _invalid(
        self,
        plan: Plan,
        reader: BodyReader,
        request: Request,
        valid: Mapping[str, Any],
        messages: Messages,
        broken: list[Broken],
    ) -> Answer:
        """The answer with some messages, and those of the members that the store does not agree with. What is wrong with the body
        as a whole is told of when each member is right.
        """
        asked = reader.asked_of_the_store(valid)
        found = self._problems(plan.operation_id, asked, request.path_values or {}) if asked else {}
        if found:
            messages = dict(messages) if messages.keys() != {NON_FIELD_ERRORS} else {}
            broken = [one for one in broken if one.member and one.member[0] not in found]
        for error in found.values():
            messages.update(reader.messages_of(error))
            broken += reader.broken_by(error, valid)
        return invalid(reader.ordered(messages), broken)

    def _unless_missing(self, path: PathPlan, plan: Plan, request: Request, refusal: Answer) -> Answer:
        """A refusal, but 404 if the sender may see that there is no such object.

        authentik looks the object up before it reads the body and asks for permission to change (recorded:
        `patch.unknown_slug_malformed`, `auth.viewer.patch_unknown`).
        """
        reader = path.plans.get("GET")
        if (
            request.path_values == {}
            or reader is None
            or plan is reader
            or not allows(request.access, reader.permissions)
        ):
            return refusal
        if request.path_values is None:
            return _no_such_object(path, request)
        arguments, wrong = reader.query.read(request.query)
        if wrong is None:
            context = {REQUEST: _context(request)} if reader.knows_request else {}
            try:
                result = reader.handler(self._store, **request.path_values, **arguments, **context)
                if type(result) is Statement:
                    self._store.run(result)
            except errors.NotFound:
                return detail(404, answers.NOT_FOUND)
            except errors.NotAChoice:
                return refusal
        return refusal


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Let the garbage collector wait: what is made meanwhile is in use."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _written(plan: Plan, result: Any, changed: Container[str] = ()) -> Answer:
    """The successful answer with what a handler returned.

    :param changed: the properties that the request has written
    """
    if plan.files:
        return write_file(result, plan.status, plan.files)
    if plan.writer is None:
        return Answer(plan.status)
    found: list[StoredViolation] = []
    body = plan.writer.write(result, changed, found)
    return Answer(plan.status, body, stored_violations=found) if found else Answer(plan.status, body)


def _denied(rule: Pointer) -> Answer:
    """The answer to those who lack a permission. :param rule: where the contract asks for it"""
    return detail(403, PERMISSION_DENIED, broken=[Broken(rule)])


def _no_such_object(path: PathPlan, request: Request) -> Answer:
    """The answer to a path with values that can name no object."""
    return detail(404, answers.NOT_FOUND, broken=path.reader.broken(request.path))


def _context(request: Request) -> RequestContext:
    """What a handler may know of a request."""
    access = request.access
    return RequestContext(
        access.name if access else "",
        access.superuser if access else False,
        access.permissions if access else frozenset(),
        origin_of(request.scope),
        access.user if access else "",
    )


def unavailable(error: errors.Unavailable, request: Request) -> Answer:
    """The answer when the database is not there; the log has the reason."""
    log.error("database unavailable", id=request.id, error=str(error))
    return detail(503, answers.UNAVAILABLE, ((b"retry-after", answers.RETRY_AFTER),))


def too_large(limit: int) -> Answer:
    """The answer to a request with a body that is too large. :param limit: the largest one, in bytes"""
    return detail(413, f"The request body is larger than {limit} bytes.")


def _check_refusal(plan: Plan, answer: Answer) -> None:
    """:raises BrokenContract: the operation does not document this refusal, or documents another body for it"""
    if answer.status not in plan.validators:
        raise BrokenContract(f"The response {answer.status} is not documented.")
    validator = plan.validators[answer.status]
    if validator is not None and not validator.is_valid(decode(answer.body)):
        raise BrokenContract(f"The response {answer.status} is documented with another body.")
