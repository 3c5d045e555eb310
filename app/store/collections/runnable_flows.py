"""Queries of the executor: bound stages, enabled policies of a target, and users by their properties."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.caches import bounded_cache
from app.store.engine.database import Database, Query
from app.store.queries.binding_views import STAGE_BINDING_COLUMNS, PolicyBindingRow, policy_binding_view
from app.store.queries.dialects import json_text, literal, readable
from app.store.queries.object_views import object_references
from app.store.queries.people import USERS, groups_above
from app.store.schema.tables import flows, objects, policy_bindings, stage_bindings


class BoundStageRow(NamedTuple):
    """A stage binding with its stage.

    :param properties: the stage's own properties, as JSON
    :param references: the stage's references, as JSON
    """

    pk: str
    policybindingmodel_ptr_id: str
    target: str
    stage: str
    evaluate_on_plan: bool
    re_evaluate_policies: bool
    order: int
    policy_engine_mode: str
    invalid_response_action: str
    name: str
    model: str
    properties: str
    references: str


class GroupRow(NamedTuple):
    """A group. :param properties: its own properties, as JSON"""

    pk: str
    name: str
    properties: str


class RunnableFlows:
    """The flows of a database, as the executor reads them.

    :param database: the database
    :param named_by: the property of users that is their name
    """

    def __init__(self, database: Database, named_by: str) -> None:
        self._database = database
        self.named_by = named_by
        self._user_with = bounded_cache(32)(self._compile_user_with)
        self._user_matching = bounded_cache(32)(self._compile_user_matching)
        compiled = database.compile
        own = (stage_bindings.c[name] for name in STAGE_BINDING_COLUMNS)
        bound = sa.select(*own, objects.c.name, objects.c.model, objects.c.members, object_references())
        bound = bound.select_from(stage_bindings.join(objects, objects.c.pk == stage_bindings.c.stage))
        of_flow = stage_bindings.c.target == sa.bindparam("flow_")
        self._stages = compiled(bound.where(of_flow).order_by(stage_bindings.c.order, stage_bindings.c.pk))
        self._exists = compiled(sa.select(objects.c.pk).where(objects.c.pk == sa.bindparam("pk_")))
        view = policy_binding_view()
        target: sa.BindParameter[Any] = sa.bindparam("target_")
        policies = sa.select(*view.columns).select_from(view.source)
        policies = policies.where(policy_bindings.c.enabled.is_(sa.true()))
        policies = policies.order_by(policy_bindings.c.order, policy_bindings.c.pk)
        self._of_flow = compiled(policies.where(policy_bindings.c.flow == target))
        self._of_stage = compiled(policies.where(policy_bindings.c.stage_binding == target))
        self._of_application = compiled(policies.where(policy_bindings.c.application == target))
        designated = flows.c.designation == sa.bindparam("designation_")
        self._designated = compiled(sa.select(flows.c.slug).where(designated).order_by(flows.c.slug))
        self._groups_above = compiled(groups_above())
        self._slug = compiled(sa.select(flows.c.slug).where(flows.c.pk == sa.bindparam("pk_")))

    def stages(self, flow: str) -> list[BoundStageRow]:
        """The stages of a flow, in the order of their bindings. :param flow: its key"""
        with self._database.read() as session:
            return [BoundStageRow._make(row) for row in session.rows(self._stages, {"flow_": flow})]

    def has_object(self, pk: str) -> bool:
        """Whether an object of this key exists."""
        with self._database.read() as session:
            return session.row(self._exists, {"pk_": pk}) is not None

    def policies_of_flow(self, flow: str) -> list[PolicyBindingRow]:
        """The enabled policy bindings of a flow, in their order. :param flow: its key"""
        with self._database.read() as session:
            return [PolicyBindingRow._make(row) for row in session.rows(self._of_flow, {"target_": flow})]

    def policies_of_stage(self, binding: str) -> list[PolicyBindingRow]:
        """The enabled policy bindings of a stage binding, in their order. :param binding: its key"""
        with self._database.read() as session:
            return [PolicyBindingRow._make(row) for row in session.rows(self._of_stage, {"target_": binding})]

    def policies_of_application(self, application: str) -> list[PolicyBindingRow]:
        """The enabled policy bindings of an application, in their order. :param application: its key"""
        with self._database.read() as session:
            rows = session.rows(self._of_application, {"target_": application})
        return [PolicyBindingRow._make(row) for row in rows]

    def designated(self, designation: str) -> list[str]:
        """The slugs of all flows of a designation, sorted."""
        with self._database.read() as session:
            return [slug for (slug,) in session.rows(self._designated, {"designation_": designation})]

    def slug_of(self, flow: str) -> str | None:
        """The slug of a flow, None if there is none of this key."""
        with self._database.read() as session:
            row = session.row(self._slug, {"pk_": flow})
        return None if row is None else str(row[0])

    def groups_above(self, user: str) -> list[GroupRow]:
        """The groups above those of a user, at any distance. :param user: the key of the user"""
        with self._database.read() as session:
            return [GroupRow._make(row) for row in session.rows(self._groups_above, {"user_": user})]

    def user_with(self, properties: Iterable[str], value: str, *, ignoring_case: bool) -> str | None:
        """The key of the first user one of whose properties has a value, None if there is none.

        :param properties: names of text properties; a dot separates the name of one in another
        """
        query = self._user_with(tuple(properties), ignoring_case)
        with self._database.read() as session:
            row = session.row(query, {"value_": value})
        return None if row is None else str(row[0])

    def user_matching(self, conditions: Sequence[tuple[str, str, bool]], pk: str | None = None) -> str | None:
        """The key of the first user who meets all conditions, None if there is none.

        :param conditions: the name of a text property, its value, and whether case is ignored
        :param pk: the key of the user; None for any
        """
        query = self._user_matching(tuple((name, ignoring) for name, _, ignoring in conditions), pk is not None)
        values = {f"value_{number}": value for number, (_, value, _) in enumerate(conditions)}
        with self._database.read() as session:
            row = session.row(query, values if pk is None else {**values, "pk_": pk})
        return None if row is None else str(row[0])

    def _compile_user_with(self, properties: Iterable[str], ignoring_case: bool) -> Query:
        conditions = [self._is_equal(name, "value_", ignoring_case) for name in properties]
        return self._compile_user(sa.or_(*conditions))

    def _compile_user_matching(self, conditions: Iterable[tuple[str, bool]], has_key: bool) -> Query:
        found = [self._is_equal(name, f"value_{at}", ignoring) for at, (name, ignoring) in enumerate(conditions)]
        if has_key:
            found.append(objects.c.pk == sa.bindparam("pk_"))
        return self._compile_user(sa.and_(*found))

    def _compile_user(self, condition: sa.ColumnElement[bool]) -> Query:
        found = sa.select(objects.c.pk).where(objects.c.collection == literal(USERS), condition)
        return self._database.compile(found.order_by(objects.c.pk).limit(1))

    def _is_equal(self, name: str, parameter: str, ignoring_case: bool) -> sa.ColumnElement[bool]:
        """Whether a property has the value of a parameter."""
        wanted: sa.ColumnElement[str] = sa.bindparam(parameter, type_=sa.Text())
        column = objects.c.name if name == self.named_by else json_text(readable(objects.c.members), *name.split("."))
        return sa.func.lower(column) == sa.func.lower(wanted) if ignoring_case else column == wanted
