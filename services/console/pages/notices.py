"""What is told once after a form was taken: `view.go("/dead-letters", done="discarded")`."""

from services.console.pages.navigation import _

NOTICES = {
    "signed-out": _("You are signed out."),
    "saved": _("Saved."),
    "discarded": _("Discarded."),
    "unbound": _("Unbound. The person will be told nothing."),
    "unbound-told": _("Unbound. The person will be told."),
    "user-changed": _("The user was changed."),
    "taken": _("It is yours. The agent is silent here until you give it back."),
    "taken-late": _("It is yours. One part of the agent's answer was on its way already."),
    "given-back": _("The agent answers again."),
    "queued": _("Sent on its way."),
    "erased": _("Erased. What is left to delete goes on by itself."),
    "second-factor": _("The second factor is set up."),
    "password": _("Your password is set."),
}
"""By the word in the address. A text in the address itself could be anybody's."""
