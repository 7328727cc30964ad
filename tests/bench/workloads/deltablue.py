# SPDX-License-Identifier: MIT
"""In the manner of DeltaBlue: variables that constraints of different strength keep in step.

A change of one is propagated along a chain: polymorphic methods on many small objects.
"""

CHAIN = 60
CHANGES = 12
REQUIRED, STRONG, NORMAL, WEAK = range(4)


class Variable:
    def __init__(self, name, value=0):
        self.name, self.value, self.constraints, self.by = name, value, [], None

    def join(self, constraint):
        self.constraints.append(constraint)

    def leave(self, constraint):
        self.constraints.remove(constraint)
        if self.by is constraint:
            self.by = None

    def strength(self):
        return WEAK + 1 if self.by is None else self.by.strength


class Constraint:
    def __init__(self, strength, *variables):
        self.strength, self.variables, self.output = strength, variables, None
        for variable in variables:
            variable.join(self)

    def weakest(self):
        chosen = self.variables[0]
        for variable in self.variables[1:]:
            if variable.strength() >= chosen.strength():
                chosen = variable
        return chosen

    def can_set(self, variable):
        return variable.by is None or self.strength < variable.strength()

    def satisfy(self):
        """Returns the constraint that had to give way."""
        variable = self.weakest()
        if not self.can_set(variable):
            return None
        loser = variable.by
        if loser is not None:
            loser.output = None
        variable.by, self.output = self, variable
        return loser

    def inputs(self):
        return [variable for variable in self.variables if variable is not self.output]

    def remove(self):
        """From its variables; what had to give way may have its place."""
        self.output = None
        for variable in self.variables:
            variable.leave(self)


class Stay(Constraint):
    def execute(self):
        pass


class Edit(Constraint):
    def __init__(self, variable, value):
        super().__init__(STRONG, variable)
        self.wanted = value

    def execute(self):
        self.output.value = self.wanted


class Equal(Constraint):
    def execute(self):
        self.output.value, = (variable.value for variable in self.inputs())


class Scaled(Constraint):
    def __init__(self, strength, source, target, factor, offset):
        super().__init__(strength, source, target)
        self.factor, self.offset = factor, offset

    def execute(self):
        source, target = self.variables
        if self.output is target:
            target.value = source.value * self.factor + self.offset
        else:
            source.value = (target.value - self.offset) // self.factor


class Planner:
    def __init__(self):
        self.executed = 0

    def add(self, constraint):
        pending = constraint
        while pending is not None:
            pending = pending.satisfy()
        return constraint

    def plan(self, start):
        """The satisfied constraints that follow from a variable, in order."""
        found, todo = [], [start]
        while todo:
            variable = todo.pop()
            for constraint in self.leading_from(variable):
                if constraint not in found:
                    found.append(constraint)
                    todo.append(constraint.output)
        return found

    def leading_from(self, variable):
        return [constraint for constraint in variable.constraints if self.leads(constraint, variable)]

    def leads(self, constraint, variable):
        return constraint.output is not None and constraint.output is not variable

    def execute(self, plan):
        for constraint in plan:
            constraint.execute()
            self.executed += 1


def chain(planner, link):
    variables = [Variable("v%d" % n) for n in range(CHAIN)]
    stay = planner.add(Stay(WEAK, variables[0]))
    for left, right in zip(variables, variables[1:]):
        planner.add(link(left, right))
    return variables, stay


def change(planner, variables, stay, value):
    edit = planner.add(Edit(variables[0], value))
    edit.execute()
    planner.execute(planner.plan(variables[0]))
    edit.remove()
    planner.add(stay)
    return variables[-1].value


def work():
    planner = Planner()
    equal = chain(planner, lambda left, right: Equal(REQUIRED, left, right))
    scaled = chain(planner, lambda left, right: Scaled(REQUIRED, left, right, 1, 2))
    ends = [(change(planner, *equal, n), change(planner, *scaled, n)) for n in range(CHANGES)]
    return ends[-1], planner.executed
