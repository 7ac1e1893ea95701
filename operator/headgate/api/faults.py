"""What is wrong with a document, for the person who wrote it."""

from pydantic import ValidationError


def first_fault(error: ValidationError, *within: str, whole: str = "") -> str:
    """The first field that is wrong and why, like `spec.stages.0.name: String should match …`.

    `within`: where the document that was read lies in what people wrote. `whole`: what to call it where no single field is to blame.
    """
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, (*within, *first['loc']))) or whole}: {first['msg']}"
