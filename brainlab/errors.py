"""The one error type for what a user can mend."""


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one sentence that names it and the mend."""
