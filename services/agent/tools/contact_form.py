"""`contact_form`: lets a visitor leave a message for the business."""

from pydantic import Field

from services.agent.tools.tool import Arguments, Tool, ToolContext


class ContactForm(Arguments):
    """What the form asks for."""

    name: str = Field(min_length=1, max_length=200, description="The visitor's name.")
    message: str = Field(min_length=1, max_length=4000, description="What the visitor wants to tell the business.")
    email: str = Field("", max_length=320, description="Where to answer, if the visitor gave an address.")


async def contact_form(form: ContactForm, context: ToolContext) -> str:
    """Store the form for the business to read."""
    await context.submissions.submit(context, form.model_dump())
    return "The message was passed on. Somebody will get in touch."


CONTACT_FORM = Tool(
    "contact_form",
    "Pass a visitor's message on to the people of the business. Use it when the visitor asks to be contacted.",
    ContactForm,
    contact_form,
)
