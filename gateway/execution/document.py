"""One document: its operations, what they cost, and the plans that were made for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OperationType,
    Undefined,
)

from gateway.admission.bills import FREE, Bill
from gateway.admission.fragments import fragments_of
from gateway.execution.collecting import conditions_of
from gateway.execution.plan import Plan, told_name
from gateway.request_record import UNNAMED, OperationName

Variables = Mapping[str, object]
PlanKey = tuple[str | None, tuple[object, ...]]
"""The name of an operation, and the values of the document's conditions."""


@dataclass(frozen=True, eq=False)
class Document:
    """A document that may be run.

    ``bills``: what its operations cost, in order. ``plans``: those made for it, None where there
    can be none.
    """

    text: str
    node: DocumentNode
    bills: tuple[Bill, ...]
    plans: dict[PlanKey, Plan | None] = field(default_factory=dict)

    @cached_property
    def fragments(self) -> Mapping[str, FragmentDefinitionNode]:
        """Its fragments by name."""
        return fragments_of(self.node)

    @cached_property
    def is_size_fixed(self) -> bool:
        """Does it ask for as much whatever its variables are?"""
        return all(bill.is_fixed for bill in self.bills)

    @cached_property
    def conditions(self) -> tuple[str, ...] | None:
        """The variables that decide what is in the answer; None where not only variables do."""
        return conditions_of(self.node)

    @property
    def weight(self) -> int:
        """Characters of its text, and of the plans that are kept with it."""
        plans = (plan.source for plan in self.plans.values() if plan is not None)
        return len(self.text) + sum(map(len, plans))

    @cached_property
    def operations(self) -> tuple[OperationDefinitionNode, ...]:
        """All its operations, in order."""
        definitions = self.node.definitions
        return tuple(one for one in definitions if isinstance(one, OperationDefinitionNode))

    @cached_property
    def only_name(self) -> str | None:
        """The name of its operation, where it has but one."""
        return name_of(self.operations[0]) if len(self.operations) == 1 else None

    def plan_key(self, operation_name: str | None, variables: Variables) -> PlanKey:
        """Under which its plan for these is kept; its only operation need not be named."""
        if operation_name is None:
            operation_name = self.only_name
        if not self.conditions:
            return operation_name, ()
        return operation_name, self.condition_values(variables)

    def operation(self, operation_name: str | None) -> OperationDefinitionNode | None:
        """The named operation, or the only one; None where that names none, or several."""
        named = [
            operation
            for operation in self.operations
            if operation_name is None or name_of(operation) == operation_name
        ]
        return named[0] if len(named) == 1 else None

    def bill(self, operation_name: str | None) -> Bill:
        """What that operation costs; nothing where there is none."""
        operation = self.operation(operation_name)
        return FREE if operation is None else self.bills[self.operations.index(operation)]

    def condition_values(self, variables: Variables) -> tuple[object, ...]:
        """What the variables say of its conditions; `Undefined` where they say nothing."""
        return tuple([variables.get(name, Undefined) for name in self.conditions or ()])

    def told_name(self, operation_name: str | None) -> OperationName:
        """What that operation is called, as far as that is told."""
        operation = self.operation(operation_name)
        return UNNAMED if operation is None else told_name(operation)

    def operation_type(self, operation_name: str | None) -> OperationType | None:
        """What that operation is."""
        operation = self.operation(operation_name)
        return None if operation is None else operation.operation


def name_of(operation: OperationDefinitionNode) -> str | None:
    """The name of an operation, if it has one."""
    return None if operation.name is None else operation.name.value
