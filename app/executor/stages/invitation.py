"""Invitation stages, which let invited users enroll."""

from app import determinism, errors
from app.executor.plan import PROMPT_DATA, Properties
from app.executor.stages.kind import Act
from app.executor.steps import Step
from app.store.queries.moments import seconds_of

_INVALID = "Invalid invite/invite not found"
# The parameters of the page with the key of the invitation.
_PARAMETERS = ("itoken", "token")
_IN_EFFECT = "invitation_in_effect"


class Stage(Act):
    """See `Act`."""

    def act(self) -> Step:
        """Continue with an invitation, or without one if the stage permits it."""
        run, invitation = self.run, self._invitation()
        if invitation is None:
            return run.done() if self.stage.continue_flow_without_invitation else run.deny(_INVALID)
        if invitation.single_use:
            try:
                run.store.objects.remove("invitations", invitation.pk)
            except errors.NotFound:  # another session has used it meanwhile
                return run.deny(_INVALID)
        run.context[_IN_EFFECT] = True
        run.context[PROMPT_DATA] = dict(invitation.fixed_data)
        return run.done()

    def _invitation(self) -> Properties | None:
        """The invitation that the page names, if it is valid in this flow."""
        store, parameters = self.run.store, self.run.session.parameters
        key = next((parameters[name] for name in _PARAMETERS if name in parameters), "")
        if "\0" in key:
            return None  # no database stores it
        try:
            row = store.objects.get("invitations", key.lower())
        except errors.NotFound:
            return None
        invitation = Properties({**store.values(row), "pk": row.pk})
        if invitation.flow not in (None, self.run.flow.pk):
            return None
        expires = invitation.expires
        return invitation if expires is None or (seconds_of(expires) or 0) > determinism.now() else None
