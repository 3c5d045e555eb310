"""Flows and what is bound to them, as Django's ORM has them. To be imported once Django has its settings."""

import uuid
from typing import Any

from django.db import models

from app.store.schema.search import search_text
from bench.peers import contract


def new_id() -> str:
    """A new identity."""
    return str(uuid.uuid4())


class Designation(models.TextChoices):
    """What a flow is for."""

    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    INVALIDATION = "invalidation"
    ENROLLMENT = "enrollment"
    UNENROLLMENT = "unenrollment"
    RECOVERY = "recovery"
    STAGE_CONFIGURATION = "stage_configuration"


class PolicyEngineMode(models.TextChoices):
    """Whether all or any of the bound policies must pass."""

    ALL = "all"
    ANY = "any"


class Layout(models.TextChoices):
    """Where the form stands on the page."""

    STACKED = "stacked"
    CONTENT_LEFT = "content_left"
    CONTENT_RIGHT = "content_right"
    SIDEBAR_LEFT = "sidebar_left"
    SIDEBAR_RIGHT = "sidebar_right"


class DeniedAction(models.TextChoices):
    """What happens to a user who is denied."""

    MESSAGE_CONTINUE = "message_continue"
    MESSAGE = "message"
    CONTINUE = "continue"


class Authentication(models.TextChoices):
    """Who may enter a flow."""

    NONE = "none"
    REQUIRE_AUTHENTICATED = "require_authenticated"
    REQUIRE_UNAUTHENTICATED = "require_unauthenticated"
    REQUIRE_SUPERUSER = "require_superuser"
    REQUIRE_OUTPOST = "require_outpost"


class Flow(models.Model):
    """A flow."""

    # `pk` is a name that Django keeps for itself.
    flow_uuid = models.TextField(primary_key=True, db_column="pk", default=new_id, editable=False)
    policybindingmodel_ptr_id = models.TextField(unique=True, default=new_id, editable=False)
    name = models.TextField()
    slug = models.SlugField(unique=True)
    title = models.TextField()
    designation = models.TextField(choices=Designation)
    background = models.TextField(default=contract.BACKGROUND, editable=False)
    policy_engine_mode = models.TextField(choices=PolicyEngineMode, default=PolicyEngineMode.ANY)
    compatibility_mode = models.BooleanField(default=False)
    layout = models.TextField(choices=Layout, default=Layout.STACKED)
    denied_action = models.TextField(choices=DeniedAction, default=DeniedAction.MESSAGE_CONTINUE)
    authentication = models.TextField(choices=Authentication, default=Authentication.NONE)
    search = models.TextField(editable=False)

    # Nothing plans a flow.
    cache_count = 0

    class Meta:
        """Where flows are kept: the table is the project's."""

        app_label = "flows"
        db_table = "flows"
        managed = False

    def __str__(self) -> str:
        return self.name

    @property
    def stages(self) -> list[str]:
        """The identities of its stages, in order."""
        return [binding.stage for binding in self.stage_bindings.all()]

    @property
    def policies(self) -> list[str]:
        """The identities of its policies, in order."""
        return [binding.policy for binding in self.policy_bindings.all()]

    @property
    def export_url(self) -> str:
        """Where the flow can be had as a blueprint."""
        return contract.export_url(self.slug)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the flow with the text it is searched by."""
        self.search = search_text(getattr(self, property_name) for property_name in contract.SEARCHED)
        super().save(*args, **kwargs)


class StageBinding(models.Model):
    """The binding of a stage to a flow."""

    binding_uuid = models.TextField(primary_key=True, db_column="pk")
    target = models.ForeignKey(Flow, models.CASCADE, db_column="target", related_name="stage_bindings")
    stage = models.TextField()
    order = models.IntegerField()

    class Meta:
        """Where they are kept, and in which order they come."""

        app_label = "flows"
        db_table = "stage_bindings"
        managed = False
        ordering = ("order", "pk")

    def __str__(self) -> str:
        return f"{self.stage} at {self.order}"


class PolicyBinding(models.Model):
    """The binding of a policy to a flow."""

    binding_uuid = models.TextField(primary_key=True, db_column="pk")
    flow = models.ForeignKey(Flow, models.CASCADE, db_column="flow", related_name="policy_bindings")
    policy = models.TextField()
    order = models.IntegerField()

    class Meta:
        """Where they are kept, and in which order they come."""

        app_label = "flows"
        db_table = "policy_bindings"
        managed = False
        ordering = ("order", "pk")

    def __str__(self) -> str:
        return f"{self.policy} at {self.order}"
