"""Run the plan of a request: authenticate, read, call the handler, validate the response, encode, each once.

On SQLite it runs on the event loop's thread and never blocks; on PostgreSQL it runs on a thread of a pool and may block.
"""

import contextlib
import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from app import determinism, errors
from app.contract.compile.plan import REQUEST, PathPlan, Plan
from app.contract.errors import ResponseValidationError
from app.contract.request.authentication import allows
from app.contract.request.body import BodyReader, InvalidBody, MalformedBody, UnsupportedMediaType
from app.contract.request.form import FORM
from app.contract.request.query import MAX_PARAMETERS, TooManyParameters
from app.contract.response import responses
from app.contract.response.responses import CONTINUE, PENDING, Response, detail
from app.contract.response.stand_ins import StandIns
from app.contract.serve.contexts import context_of, exchange_of
from app.contract.serve.garbage import collections_suspended
from app.contract.serve.rejections import (
    check_rejection,
    denied,
    invalid,
    no_such_object,
    rejection_of,
    unavailable,
)
from app.contract.serve.request import Request
from app.contract.serve.response_cache import ResponseCache
from app.contract.serve.successes import success
from app.contract.validation.messages import Messages
from app.contract.validation.rules import ViolatedRule
from app.contract.validation.wording import NON_FIELD_ERRORS
from app.domain import StoredObject
from app.exchanges import Unauthenticated
from app.execution import Statement, Unfinished

log = structlog.get_logger("flows.contract")

Problems = Callable[
    [str, Mapping[str, Any], Mapping[str, Any]], Mapping[str, errors.NotUnique | errors.DanglingReference]
]
"""Finds the conflicts of valid properties with the store, by property: from the operationId, the unique and referencing
properties, and the path parameters of their object."""

# How often a request with serialization failures is run, and the limits of the waits in between, in seconds: of the first, from
# which each is twice as long, and of all. One of the conflicting transactions succeeds; random waits spread the others.
_ATTEMPTS, _FIRST_WAIT, _LONGEST_WAIT = 20, 0.005, 0.25
# Seconds after which a request is not retried: each attempt of an import may take seconds.
_LONGEST_RETRY = 10.0

# The largest body that is read at once if it has arrived, in bytes.
_SMALL_BODY = 64 * 1024

# The size from which a body may hold so many values that a garbage collection takes as long as decoding it, in bytes.
_LARGE_BODY = 64 * 1024


class PlanRunner:
    """Runner of the plans of requests.

    :param store: the first argument of each handler
    :param restricted: the same for callers without all permissions
    :param problems: finds the conflicts of some properties with the store. authentik reports all at once (recorded:
        `create.dup_slug_plus_missing`), so the valid properties are checked even if others are invalid
    :param body_limit: the largest body, in bytes
    :param memory: the response cache; None to cache none
    :param json_limit: the largest JSON body, in bytes; None for no further limit
    :param unit_of_work: rolls back all writes if an exception is raised
    :param stand_ins: the stand-ins of stored values that the enums of the contract lack
    """

    def __init__(
        self,
        store: Any,
        problems: Problems,
        body_limit: int,
        memory: ResponseCache | None,
        json_limit: int | None = None,
        unit_of_work: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
        restricted: Any = None,
        stand_ins: StandIns | None = None,
    ) -> None:
        self._store = store
        self._restricted = store if restricted is None else restricted
        self._memory = memory
        self._problems = problems
        self._unit_of_work = unit_of_work
        self.stand_ins = stand_ins
        self._body_limit = body_limit
        self._json_limit = body_limit if json_limit is None else min(json_limit, body_limit)

        # A body that came with its head is in memory already, and costs less than a second look-up of the credentials.
        self.small_body = min(_SMALL_BODY, self._json_limit)

    def limit_of(self, reader: BodyReader) -> int:
        """The largest body that a reader accepts, in bytes."""
        return self._body_limit if reader.media_type == FORM else self._json_limit

    def serve(self, path: PathPlan, plan: Plan | None, request: Request) -> Response:
        """Serve a request. :returns: the response; `CONTINUE` if it depends on a body that has not been read

        Exceptions become a 500 or 503, logged with the traceback.

        :raises Locked: nothing was changed, and the caller may wait and retry
        :raises WouldBlock: it has to run elsewhere, or later
        """
        position = determinism.position() if determinism.is_fixed() else 0
        try:
            if plan is None:
                return self._without_operation(path, request)
            response = self._retry(path, plan, request)
            # `CONTINUE` and `PENDING` are never sent.
            if response.status != plan.status and response.status >= 200:
                check_rejection(plan, response)
            return response
        except errors.Locked:
            if determinism.is_fixed():
                # The next attempt gets the same identifiers.
                determinism.begin(position)
            raise
        except Exception as error:
            return self._failed(error, path, plan, request)

    def begin(self, path: PathPlan, plan: Plan, request: Request) -> Response | Unfinished[Response]:
        """Serve a request, but return the handler's statement, if there is one, instead of running it.

        :raises WouldBlock: it has to run elsewhere, or later
        """
        request.defers = True
        try:
            response = self.serve(path, plan, request)
        finally:
            request.defers = False
        if response is not PENDING or request.statement is None:
            return response
        return Unfinished(request.statement, partial(self._complete, path, plan, request, request.statement.finish))

    def _complete(
        self, path: PathPlan, plan: Plan, request: Request, finish: Callable[[Any], Any], row: Any
    ) -> Response:
        """The response to a request after its statement has run. :param row: the first row of the result"""
        try:
            try:
                response = success(plan, finish(row))
            except errors.DomainError as error:
                response = self._rejected(plan, request, {}, error)
                check_rejection(plan, response)
        except Exception as error:
            return self._failed(error, path, plan, request)
        return response

    def _failed(self, error: Exception, path: PathPlan, plan: Plan | None, request: Request) -> Response:
        """The response to a request that ended with an exception."""
        operation = plan.operation_id if plan else None
        match error:
            case Unauthenticated():
                first = plan or next(iter(path.plans.values()))
                return detail(403, str(error), error.headers, violated=[ViolatedRule(first.security)])
            case TooManyParameters():
                return detail(400, f"There are more than {MAX_PARAMETERS} query parameters.")
            case errors.Unavailable():
                return unavailable(error, request)
            case ResponseValidationError():
                log.error("response violates the contract", id=request.id, operation=operation, problem=str(error))
            case _:
                log.error("request failed", id=request.id, operation=operation, exc_info=error)
        return detail(500, responses.SERVER_ERROR)

    def _without_operation(self, path: PathPlan, request: Request) -> Response:
        """Respond without an operation: 204 to OPTIONS, 405 to a method that the path does not support.

        403 to clients without permission for the method, and to invalid credentials (recorded: `auth.*.delete_list`,
        `auth.*.post_detail`, `auth.bad.options_detail`).
        """
        if request.authorization is not None or request.method in path.undefined:
            verify = next((plan.verify for plan in path.plans.values() if plan.verify), None)
            required = path.undefined.get(request.method, frozenset())
            if verify is not None and (required or request.authorization):
                request.access = verify(request)
                if not allows(request.access, required):
                    return denied((*path.pointer, "x-required-permissions", request.method.lower()))
        if request.method == "OPTIONS":
            return Response(204)
        return detail(405, f'Method "{request.method}" not allowed.')

    def _retry(self, path: PathPlan, plan: Plan, request: Request) -> Response:
        """Retry a request after serialization failures. The wait blocks a thread of a pool.

        :raises Locked: there was one on the event loop, which must not block. A retry with the lock has none
        """
        attempt = 0
        while True:
            try:
                return self._handle(path, plan, request)
            except errors.SerializationFailure as error:
                if request.computed is not None:
                    raise errors.Locked(str(error), write=True) from error
                attempt += 1
                if attempt == _ATTEMPTS or determinism.clock() - request.started > _LONGEST_RETRY:
                    raise
                log.info("serialization failure", id=request.id, operation=plan.operation_id, error=str(error))
                wait = min(_FIRST_WAIT * 2 ** (attempt - 1), _LONGEST_WAIT)
                time.sleep(random.uniform(0, wait))  # noqa: S311  # no secret

    def _handle(self, path: PathPlan, plan: Plan, request: Request) -> Response:
        if plan.challenges:
            request.access = None  # an earlier attempt may have set it
            return self._execute(path, plan, request)
        access = request.access = plan.verify(request) if plan.verify is not None else None
        if not allows(access, plan.permissions):
            return self._unless_missing(path, plan, request, denied((*plan.pointer, "x-required-permissions")))
        if self._memory is None or not plan.cached:
            return self._execute(path, plan, request)
        response = self._memory.get_cached(request.path, request.query)
        if response is None:
            response = self._execute(path, plan, request)
            # Violations are counted in each response.
            if response.status == plan.status and not response.stored_violations:
                self._memory.put(request.path, request.query, response)
        return response

    def _execute(self, path: PathPlan, plan: Plan, request: Request) -> Response:
        """Read the query and the body, call the handler, write its response."""
        arguments, rejection = plan.query.read(request.query)
        if rejection is not None:
            if rejection.messages:
                return invalid(rejection.messages, rejection.violated)
            return detail(404, rejection.not_found, violated=rejection.violated)
        if request.path_values:
            arguments = {**request.path_values, **arguments}
        elif request.path_values is None:
            return no_such_object(path, request)
        if plan.body is not None:
            body, rejected = self._read_body(plan, plan.body, request)
            if rejected is not None:
                return rejected if rejected is CONTINUE else self._unless_missing(path, plan, request, rejected)
            if plan.enums and self.stand_ins is not None:
                body = self._without_stand_ins(path, plan.enums, request, body, self.stand_ins)
            arguments = {**arguments, "body": body}
        if plan.knows_request:
            exchange = exchange_of(plan, request) if plan.challenges else None
            arguments = {**arguments, REQUEST: context_of(request, exchange)}
        if plan.examples is not None:
            return plan.examples.response(request.scope["headers"])
        store = self._store if request.access is None or request.access.superuser else self._restricted
        try:
            if not plan.undoable:
                result = plan.handler(store, **arguments)
                return self._run(plan, request, result) if type(result) is Statement else success(plan, result)
            # Writes are rolled back if the response violates the contract.
            with self._unit_of_work():
                return success(plan, plan.handler(store, **arguments), arguments.get("body", ()))
        except errors.DomainError as error:
            return self._rejected(plan, request, arguments, error)

    def _run(self, plan: Plan, request: Request, statement: Statement) -> Response:
        """Run the statement of a handler, or leave that to the caller of `begin`."""
        if request.defers:
            request.statement = statement
            return PENDING
        return success(plan, self._store.run(statement))

    def _rejected(
        self, plan: Plan, request: Request, arguments: Mapping[str, Any], error: errors.DomainError
    ) -> Response:
        """The response to a request that a handler has rejected."""
        if not isinstance(error, errors.NotUnique | errors.DanglingReference):
            return rejection_of(error, plan)
        if plan.body is None:
            raise error
        body = arguments["body"]
        return self._invalid(
            plan, plan.body, request, body, plan.body.messages_of(error), plan.body.violated_by(error, body)
        )

    def _read_body(self, plan: Plan, reader: BodyReader, request: Request) -> tuple[Any, Response | None]:
        if request.body is None:
            return {}, request.unread
        if plan.answers is not None:
            return plan.answers.of(request.body, request.content_type), None
        try:
            if len(request.body) < _LARGE_BODY:
                return reader.read(request.body, request.content_type), None
            with collections_suspended():
                return reader.read(request.body, request.content_type), None
        except UnsupportedMediaType:
            message = f'Unsupported media type "{request.content_type}" in request.'
            return {}, detail(415, message, violated=[ViolatedRule(reader.pointer)])
        except MalformedBody as error:
            return {}, detail(400, str(error), violated=[ViolatedRule(reader.pointer)])
        except InvalidBody as error:
            return {}, self._invalid(plan, reader, request, error.valid, error.messages, error.violated)

    def _invalid(
        self,
        plan: Plan,
        reader: BodyReader,
        request: Request,
        valid: Mapping[str, Any],
        messages: Messages,
        violated: list[ViolatedRule],
    ) -> Response:
        """The response with error messages, and those of conflicts with the store. Messages of the body as a whole are added only
        if each property is valid.
        """
        asked = reader.asked_of_the_store(valid)
        found = self._problems(plan.operation_id, asked, request.path_values or {}) if asked else {}
        if found:
            messages = dict(messages) if messages.keys() != {NON_FIELD_ERRORS} else {}
            violated = [one for one in violated if one.property_name and one.property_name[0] not in found]
        for error in found.values():
            messages.update(reader.messages_of(error))
            violated += reader.violated_by(error, valid)
        return invalid(reader.ordered(messages), violated)

    def _unless_missing(self, path: PathPlan, plan: Plan, request: Request, rejection: Response) -> Response:
        """An error response, replaced by 404 if the caller may know that the object does not exist.

        authentik looks the object up before it reads the body and checks the permission to change (recorded:
        `patch.unknown_slug_malformed`, `auth.viewer.patch_unknown`).
        """
        reader = path.plans.get("GET")
        if (
            request.path_values == {}
            or reader is None
            or plan is reader
            or plan.challenges  # GET runs the flow
            or not allows(request.access, reader.permissions)
        ):
            return rejection
        if request.path_values is None:
            return no_such_object(path, request)
        arguments, wrong = reader.query.read(request.query)
        if wrong is None:
            try:
                self._retrieved(reader, request, arguments)
            except errors.NotFound:
                return detail(404, responses.NOT_FOUND)
            except errors.InvalidChoice:
                return rejection
        return rejection

    def _without_stand_ins(
        self,
        path: PathPlan,
        enums: Mapping[str, frozenset[Any]],
        request: Request,
        body: dict[str, Any],
        stand_ins: StandIns,
    ) -> dict[str, Any]:
        """Remove stand-ins that a client sends back from the body of a change, so that the stored values are kept.

        :param enums: the values of enums in the body, by property
        """
        doubtful = [name for name in enums if name in body and stand_ins.may_be_one(body[name])]
        reader = path.plans.get("GET")
        if not doubtful or reader is None:
            return body
        try:
            found = self._retrieved(reader, request, reader.query.read(b"")[0])
        except errors.NotFound:
            return body
        stored = found.represent(found.row) if type(found) is StoredObject else {}
        unchanged = {
            name
            for name in doubtful
            if name in stored and stored[name] != body[name] and stand_ins.said(stored[name], enums[name]) == body[name]
        }
        return {name: value for name, value in body.items() if name not in unchanged} if unchanged else body

    def _retrieved(self, reader: Plan, request: Request, query: Mapping[str, Any]) -> Any:
        """The object of a request's path. :param query: arguments of the query :raises NotFound: there is none"""
        context = {REQUEST: context_of(request)} if reader.knows_request else {}
        result = reader.handler(self._store, **(request.path_values or {}), **query, **context)
        return self._store.run(result) if type(result) is Statement else result
