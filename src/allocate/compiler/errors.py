"""What can go wrong while a declaration is compiled."""


class CompileError(ValueError):
    """A declaration, its members or its figures cannot be taken.

    `component` names the component of the model; `expected` says in words what should be there.
    """

    def __init__(self, component: str, expected: str) -> None:
        super().__init__(f"{component}: {expected}")
        self.component, self.expected = component, expected


class Unreadable(Exception):
    """A rule that a single call does not tell the whole of; Pyomo must expand it. The message says why, in words."""
